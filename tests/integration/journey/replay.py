"""Builds the mirror out of its history, to see that the history explains every change of it."""

from datetime import datetime
from typing import Any

from db import tables
from tests.world import World

#: The mirror's table by what a history row is about.
_TABLES = {
    "linked_account": tables.linked_accounts,
    "connection": tables.connections,
    "config": tables.configs,
    "application": tables.applications,
}


def check_history(world: World) -> None:
    """See that the history, read from nothing on, is unbroken and ends in the rows of the mirror."""
    replayed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for step in world.rows("history"):
        table = _TABLES[step["what"]]
        keys = [column.name for column in table.primary_key]
        untold = {column.name: None for column in table.columns if column.name not in {*keys, "verified_at"}}
        is_new = (step["what"], *(step[name] for name in keys)) not in replayed
        row = replayed.setdefault((step["what"], *(step[name] for name in keys)), untold)
        assert step["because"]
        for name, (before, after) in step["changes"].items():
            assert row.get(name) == before, "a change begins where the one before it ended"
            assert before != after or is_new, "a change changes something"
            row[name] = after
    assert replayed == _mirrored(world)


def _mirrored(world: World) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for what, table in _TABLES.items():
        keys = [column.name for column in table.primary_key]
        for row in world.rows(table.name):
            told = {name: _plain(value) for name, value in row.items() if name not in {*keys, "verified_at"}}
            found[(what, *(row[name] for name in keys))] = told
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
