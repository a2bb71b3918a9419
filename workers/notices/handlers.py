"""Handlers: functions of the host's that a worker calls for notices, each in a transaction of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.workers.notices.notice import Notice

Function: TypeAlias = Callable[[Notice, Connection], object]
_FunctionT = TypeVar("_FunctionT", bound=Function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function and what it is called for.

    Attributes:
        name: the name under which its position in the change feed is stored.
        types: the types of entries that it wants.
        function: the function.
    """

    name: str
    types: frozenset[ChangeType]
    function: Function


_handlers: dict[str, Handler] = {}


def on(*types: str, name: str | None = None) -> Callable[[_FunctionT], _FunctionT]:
    """Have workers call a function for changes of these types.

    The function gets the notice and a connection. Its transaction commits together with the note that the function
    is done with the notice, so what it writes there is written exactly once. What else it does, such as sending a
    mail, may happen twice, with the same `notice.id`. If it raises, the transaction is rolled back, and the function is
    called again after growing waits. The module has to be in HANDLERS_MODULE.

    Args:
        types: Types of the change feed, such as `connection.reauth_required`.
        name: The name under which its position in the feed is stored, after that of its module. Default: the
            function's. Under a new name, it gets what happens from then on.

    Raises:
        ValueError: There is no such type, another function has that name, or the function is asynchronous or a
            generator, so that calling it would do nothing.
    """
    if any(callable(type_) for type_ in types):
        raise ValueError('on: name the types of changes, as in @on("event.dead")')
    unknown = [type_ for type_ in types if type_ not in set(ChangeType)]
    if unknown or not types:
        raise ValueError(f"on: {', '.join(unknown) or 'nothing'} is no type of change; take {', '.join(ChangeType)}")

    def register(function: _FunctionT) -> _FunctionT:
        named = f"{function.__module__}.{name or function.__qualname__}"
        if iscoroutinefunction(function) or isasyncgenfunction(function) or isgeneratorfunction(function):
            raise ValueError(
                f"on: {named} is asynchronous or a generator, and a call would do nothing; write a plain `def`"
            )
        if named in _handlers and _handlers[named].function is not function:
            raise ValueError(f"on: another function has the name {named}; pass a `name` of its own")
        _handlers[named] = Handler(name=named, types=frozenset(map(ChangeType, types)), function=function)
        return function

    return register


def load_handlers(modules: list[str]) -> tuple[Handler, ...]:
    """Import the host's modules, and return the handlers in them.

    Raises:
        BadSetting: One cannot be imported, or there is no handler in them. Correct HANDLERS_MODULE or the module.
    """
    for module in modules:
        try:
            import_module(module)
        except (Exception, SystemExit) as error:
            raise BadSetting(
                f"HANDLERS_MODULE: {module} cannot be imported ({type(error).__name__}: {error}); install it beside "
                "cobalt-mirror, or name its folder in PYTHONPATH"
            ) from error
    if modules and not _handlers:
        raise BadSetting(f"HANDLERS_MODULE: no function in {', '.join(modules)} has @on; add it, or unset the variable")
    return tuple(_handlers.values()) if modules else ()
