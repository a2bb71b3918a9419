"""Run our synchronous functions in the asynchronous session of a host."""

import functools
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar, Union

from cobalt_mirror.db.engine import HostSession

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

P = ParamSpec("P")
T = TypeVar("T")

#: What a host may hand us its transaction as, if its driver is asynchronous.
AsyncHostSession: TypeAlias = Union["AsyncSession", "async_scoped_session[AsyncSession]", "AsyncConnection"]


async def run_in(session: AsyncHostSession, use: Callable[[HostSession], T]) -> T:
    """Run a function in the host's session, on the host's driver. The event loop goes on meanwhile.

    Raises:
        TypeError: it is something else, such as a synchronous session or an engine.
    """
    module = sys.modules.get("sqlalchemy.ext.asyncio")  # loaded already if the host has such a session
    if module is not None and isinstance(session, module.async_scoped_session):
        session = session()
    if module is None or not isinstance(session, module.AsyncSession | module.AsyncConnection):
        raise TypeError(
            "session: must be an AsyncSession or an AsyncConnection of SQLAlchemy, not "
            f"{type(session).__name__}; for a Session, call the function whose name does not end in `_async`"
        )
    result: T = await session.run_sync(use)
    return result


def in_async(
    function: Callable[Concatenate[HostSession, P], T],
) -> Callable[Concatenate[AsyncHostSession, P], Coroutine[Any, Any, T]]:
    """Return a function that awaits the same in an asynchronous session; it takes and returns the same otherwise."""

    async def function_async(session: AsyncHostSession, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await run_in(session, lambda own: function(own, *args, **kwargs))

    functools.update_wrapper(function_async, function)
    function_async.__name__ = function_async.__qualname__ = f"{function.__name__}_async"
    return function_async
