"""The line that each attempt leaves in the log: which events it was about, and how it ended for each."""

from collections.abc import Iterable
from typing import Any

from cobalt_mirror.db.outcomes import EventUpdate
from cobalt_mirror.db.statuses import EventStatus

#: So many ids of events are named for each outcome; a busy customer's thousand would make one line of 40 KB.
_MOST_NAMED = 20


def count_outcomes(updates: Iterable[EventUpdate]) -> dict[str, Any]:
    """Return the ids of the events by what became of them: a status, `retry`, or `snooze`."""
    ids: dict[str, list[str]] = {}
    for update in updates:
        _, id_ = update.key
        ids.setdefault(_outcome(update), []).append(id_)
    return {name: _named(each) for name, each in ids.items()}


def _outcome(update: EventUpdate) -> str:
    status = update.columns.get("status")
    if status is not None:
        return str(EventStatus(status))
    return "retry" if "retrying_since" in update.columns else "snooze"


def _named(ids: list[str]) -> list[str]:
    more = len(ids) - _MOST_NAMED
    return ids if more <= 0 else [*ids[:_MOST_NAMED], f"and {more} more"]


def first_reason(updates: Iterable[EventUpdate]) -> str | None:
    """Return why the first event that did not end well is dead, is tried again or was put off; None: all ended well."""
    for update in updates:
        reason = update.columns.get("last_error")
        if reason is None and _outcome(update) == "snooze":
            reason = update.columns.get("detail")
        if reason is not None:
            return str(reason)
    return None
