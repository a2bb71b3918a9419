"""Builds the mirror out of its history, to see that the history explains every change of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cobalt_mirror.db import tables
from tests.world import World

#: The mirror's table by what a history row is about.
_TABLES = {
    "linked_account": tables.linked_accounts,
    "connection": tables.connections,
    "config": tables.configs,
    "application": tables.applications,
}
#: What is left of a row when its account is deleted for good; the history says no more than the status.
_BURIED: Mapping[str, Mapping[str, Any]] = {
    "linked_account": {"name": None, "udf": None},
    "connection": {"accounts": [], "connected_at": None},
    "config": {"fields": {}, "workflows": [], "schema": {}, "field_errors": []},
}
_STRIPPED = [None, None]

Row = dict[str, Any]
Key = tuple[Any, ...]


def check_history(world: World) -> None:
    """See that the history, read from nothing on, is unbroken and ends in the rows of the mirror."""
    assert list(find_gaps(world.rows)) == []


def find_gaps(rows: Callable[[str], Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """What the history leaves unexplained, in words.

    Args:
        rows: the rows of a table of ours by its name, in the order of its key.
    """
    replayed: dict[Key, Row] = {}
    last_erasures = _last_erasures(rows("history"))
    for step in rows("history"):
        key = _key(step["what"], step)
        row = replayed.setdefault(key, _untold(step["what"]))
        was_stripped = step["number"] < last_erasures.get(step["linked_account_id"], 0)
        if not step["because"]:
            yield f"{key}: nothing caused history row {step['number']}"
        for name, (before, after) in step["changes"].items():
            is_stripped = was_stripped and [before, after] == _STRIPPED
            if row.get(name) != before and not is_stripped:
                yield f"{key}: row {step['number']} begins with {name} {before!r}, and it was {row.get(name)!r}"
            if before == after and not is_stripped:
                yield f"{key}: row {step['number']} changes nothing about {name}"
            row[name] = after
        if _is_erasure(step):
            _bury(replayed, step["linked_account_id"])
    yield from _unequal(replayed, _mirrored(rows))


def _unequal(replayed: Mapping[Key, Row], mirrored: Mapping[Key, Row]) -> Iterator[str]:
    for key in replayed.keys() | mirrored.keys():
        if replayed.get(key) != mirrored.get(key):
            yield f"{key}: the history ends in {replayed.get(key)}, and the mirror shows {mirrored.get(key)}"


# --- erasures ---------------------------------------------------------------------------------------------------------


def _is_erasure(step: Mapping[str, Any]) -> bool:
    return step["what"] == "linked_account" and "deleted" in step["changes"].get("status", _STRIPPED)[1:]


def _last_erasures(history: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """For each account that was deleted, the history row that says so last: those before it were stripped."""
    return {step["linked_account_id"]: step["number"] for step in history if _is_erasure(step)}


def _bury(replayed: Mapping[Key, Row], account: str) -> None:
    for (what, first, *_), row in replayed.items():
        if what in _BURIED and first == account:
            row.update(_BURIED[what])


# --- rows -------------------------------------------------------------------------------------------------------------


def _mirrored(rows: Callable[[str], Sequence[Mapping[str, Any]]]) -> dict[Key, Row]:
    found = {}
    for what, table in _TABLES.items():
        for row in rows(table.name):
            found[_key(what, row)] = {name: _plain(row[name]) for name in _untold(what)}
    return found


def _key(what: str, row: Mapping[str, Any]) -> Key:
    """The key of the row that it is about. The history leaves out a connection id that is empty."""
    return (what, *(row[column.name] or "" for column in _TABLES[what].primary_key))


def _untold(what: str) -> Row:
    table = _TABLES[what]
    keys = {column.name for column in table.primary_key}
    return {column.name: None for column in table.columns if column.name not in {*keys, "verified_at"}}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
