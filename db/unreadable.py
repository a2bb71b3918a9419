"""What makes a row of the event log unreadable. Its workers end it as dead, with the reason, and go on with others.

A host may write every column of its events, and older releases let it write more (see docs/events.md).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cobalt_mirror.db.host_columns import EARLIEST, LATEST, Unreadable

_TEXTS = ("source", "id", "type", "linked_account_id")
_TIMES = ("occurred_at", "recorded_at", "due_at", "retrying_since")
#: The most attempts that a row may claim; it would take 28 years with a wait of 15 minutes between two.
MOST_ATTEMPTS = 1_000_000

#: What stands in a row that cannot be read for what is wrong in it: nothing that anybody computes with can fail.
_HARMLESS: Mapping[str, Any] = {
    "occurred_at": EARLIEST,
    "recorded_at": EARLIEST,
    "due_at": None,
    "retrying_since": None,
    "attempts": 0,
    "looks": 0,
    "number": None,
    "meant_for": None,
    "effect": None,
}


def find_fault(columns: Mapping[str, Any]) -> str | None:
    """Say why a row cannot be read, beginning with the column's name; None: it can."""
    return next((f"{name}: {fault}" for name in columns if (fault := _fault_of(name, columns[name])) is not None), None)


def readable(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns as they are, or with `fault` and harmless values in place of those that cannot be read."""
    fault = find_fault(columns)
    if fault is None:
        return dict(columns)
    mended = {
        name: _HARMLESS.get(name) if name in _HARMLESS and _fault_of(name, value) else value
        for name, value in columns.items()
    }
    return {**mended, "fault": fault}


def _fault_of(name: str, value: Any) -> str | None:
    if isinstance(value, Unreadable):
        return value.reason
    if name in _TEXTS and not isinstance(value, str):
        return "must be text"
    if name in _TIMES and value is not None:
        return None if _is_time(value) else "must be a time between the years 1970 and 3000"
    if name in {"attempts", "looks"}:
        return None if isinstance(value, int) and 0 <= value <= MOST_ATTEMPTS else "must be a small number"
    if value is None:
        return None
    if name == "slug":
        return None if isinstance(value, str) else "must be text"
    if name == "number":
        return None if isinstance(value, int) else "must be an integer"
    if name == "effect":
        return None if isinstance(value, dict) else "must be a JSON object"
    return None


def _is_time(value: Any) -> bool:
    return isinstance(value, datetime) and EARLIEST <= value < LATEST
