"""How a host says which function is called for what, and what is wrong with a module that says it badly."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.workers.notices.handlers import load_handlers, on
from cobalt_mirror.workers.notices.notice import Notice

GOOD = """
from cobalt_mirror import on

@on("connection.reauth_required", "connection.recovered")
def mail(notice, connection):
    pass

@on("event.dead", name="dead")
def tell(notice, connection):
    pass
"""


def write(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module, and return its name, which no other test has."""
    name = f"host_{abs(hash(folder))}"
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    return name


def test_handlers_have_names_and_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = write(tmp_path, GOOD, monkeypatch)

    found = {handler.name: handler.types for handler in load_handlers([module])}

    assert found[f"{module}.mail"] == {ChangeType.CONNECTION_REAUTH_REQUIRED, ChangeType.CONNECTION_RECOVERED}
    assert found[f"{module}.dead"] == {ChangeType.EVENT_DEAD}
    assert load_handlers([]) == ()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise SystemExit('not now')", r"cannot be imported \(SystemExit: not now\); install it beside"),
        ("import nowhere_to_be_found", r"cannot be imported \(ModuleNotFoundError: No module named 'nowhere"),
        ("from cobalt_mirror import on\non('x')", r"cannot be imported \(ValueError: on: x is no type of change"),
        ("", r"no function in host_\d+ has @on; add it"),
    ],
)
def test_a_module_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    monkeypatch.setattr("cobalt_mirror.workers.notices.handlers._handlers", {})
    module = write(tmp_path, source, monkeypatch)

    with pytest.raises(BadSetting, match=rf"^HANDLERS_MODULE: .*{says}"):
        load_handlers([module])
    sys.modules.pop(module, None)


@pytest.mark.parametrize("types", [(), ("connection.expired",), ("event.dead", "")])
def test_a_type_that_there_is_not_is_refused(types: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"is no type of change; take connection\.connected, "):
        on(*types)


def one(_notice: Notice, _connection: Connection) -> None:
    """Do nothing."""


def another(_notice: Notice, _connection: Connection) -> None:
    """Do nothing."""


async def waits(_notice: Notice, _connection: Connection) -> None:
    """Do nothing."""


async def yields_later(_notice: Notice, _connection: Connection) -> AsyncIterator[None]:
    """Do nothing."""
    yield


def yields(_notice: Notice, _connection: Connection) -> Iterator[None]:
    """Do nothing."""
    yield


@pytest.mark.parametrize("function", [waits, yields_later, yields])
def test_a_function_that_a_call_does_not_run_is_refused(function: Any) -> None:
    with pytest.raises(ValueError, match=rf"\.{function.__name__} is asynchronous or a generator"):
        on("event.dead")(function)


def test_without_the_types_it_says_how_to_write_it() -> None:
    with pytest.raises(ValueError, match=r'as in @on\("event\.dead"\)'):
        on(one)  # type: ignore[arg-type] # as `@on` without brackets does


def test_two_functions_of_one_name_are_refused() -> None:
    register = on("event.dead", name="same")

    assert register(one) is one
    assert register(one) is one
    with pytest.raises(ValueError, match=r"another function has the name [\w.]+\.same; pass a `name`"):
        register(another)
