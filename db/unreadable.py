"""What makes a row of the event log unreadable. Its workers end it as dead, with the reason, and go on with others.

A host may write every column of its events, and older releases let it write more (see docs/events.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cobalt_mirror.db.host_columns import EARLIEST, LATEST, Unreadable

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
    "operator": None,
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
    if value is None and name in _OPTIONAL:
        return None
    rule = _RULES.get(name)
    return None if rule is None or rule.holds(value) else rule.sentence


def _is_time(value: Any) -> bool:
    return isinstance(value, datetime) and EARLIEST <= value < LATEST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= MOST_ATTEMPTS


@dataclass(frozen=True, slots=True)
class _Rule:
    holds: Callable[[Any], bool]
    sentence: str


_TEXT = _Rule(lambda value: isinstance(value, str), "must be text")
_TIME = _Rule(_is_time, f"must be a time between the years {EARLIEST.year} and {LATEST.year}")
_COUNT = _Rule(_is_count, f"must be between 0 and {MOST_ATTEMPTS}")
_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(("source", "id", "type", "linked_account_id", "slug", "operator"), _TEXT),
    **dict.fromkeys(("occurred_at", "recorded_at", "due_at", "retrying_since"), _TIME),
    **dict.fromkeys(("attempts", "looks"), _COUNT),
    "number": _Rule(lambda value: isinstance(value, int), "must be an integer"),
    "effect": _Rule(lambda value: isinstance(value, dict), "must be a JSON object"),
}
_OPTIONAL = frozenset({"slug", "retrying_since", "number", "effect", "operator"})
