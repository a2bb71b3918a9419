"""What each attempt tells: a line in the log, and how it ended for each event to those who watch."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.dead_letters import died_before
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.outcomes import EventUpdate
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.workers.handlers.load import Claim
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.outcomes import Verdict
from cobalt_mirror.workers.telemetry.report import (
    CHECK,
    FAILED,
    UNKNOWN,
    Death,
    Ending,
    Task,
    core_of_reason,
    endings_of,
    known_type,
    outcome_of_update,
    plain_reason,
)

#: So many ids of events are named for each outcome; a busy customer's thousand would make one line of 40 KB.
_MOST_NAMED = 20


def count_outcomes(updates: Iterable[EventUpdate]) -> dict[str, Any]:
    """Return the ids of the events by what became of them: a status, `retry`, or `snooze`."""
    ids: dict[str, list[str]] = {}
    for update in updates:
        _, id_ = update.key
        ids.setdefault(outcome_of_update(update), []).append(id_)
    return {name: _named(each) for name, each in ids.items()}


def _named(ids: list[str]) -> list[str]:
    more = len(ids) - _MOST_NAMED
    return ids if more <= 0 else [*ids[:_MOST_NAMED], f"and {more} more"]


def first_reason(updates: Iterable[EventUpdate]) -> str | None:
    """Return why the first event that did not end well is dead, is tried again or was put off; None: all ended well."""
    for update in updates:
        reason = update.columns.get("last_error")
        if reason is None and outcome_of_update(update) == "snooze":
            reason = update.columns.get("detail")
        if reason is not None:
            return str(reason)
    return None


def endings(claim: Claim, updates: Sequence[EventUpdate], error: Exception | None) -> list[Ending]:
    """Return how an attempt ended for each event and for its check."""
    ended = endings_of(_events_of(claim), updates)
    if claim.loaded.check is not None:
        ended.append(Ending(type=CHECK, outcome=Verdict.DONE if error is None else Verdict.RETRY))
    return ended


def failed_endings(loaded: Loaded | None) -> list[Ending]:
    """Return how an attempt ended that failed as a whole; None: nothing could be loaded."""
    pending = [] if loaded is None else loaded.pending
    types = [known_type(entry.logged.type) for entry in pending] or [UNKNOWN]
    return [Ending(type=type_, outcome=FAILED) for type_ in types]


def task_of(claim: Claim) -> Task:
    """Return what an attempt is about."""
    events = _events_of(claim)
    return Task(
        account_id=claim.loaded.account_id,
        slug=claim.loaded.slug,
        attempt=claim.lease.token,
        number=len(events),
        traceparents=[(event.id, event.traceparent) for event in events if event.traceparent is not None],
    )


def _events_of(claim: Claim) -> list[LoggedEvent]:
    return [*(entry.logged for entry in claim.loaded.pending), *(event for event, _ in claim.aside)]


def find_first_deaths(engine: Engine, claim: Claim, updates: Sequence[EventUpdate]) -> list[Death]:
    """Find the events of an attempt that are dead for a reason of the operator's for which no other was dead before.

    If the database fails, none is found: the events are dead all the same, and `status` says so.
    """
    by_key = {event.key: event for event in _events_of(claim)}
    deaths: dict[tuple[str, str], Death] = {}
    with suppress(SQLAlchemyError), reading(engine).begin() as connection:
        for update in updates:
            event, columns = by_key.get(update.key), update.columns
            if event is None or columns.get("status") != EventStatus.DEAD or columns["move"] is not Move.OPERATOR:
                continue
            detail = str(columns["last_error"] or "")
            kind = (event.type, plain_reason(detail))
            core, at = core_of_reason(detail), columns["finished_at"]
            if kind in deaths or died_before(connection, type_=event.type, slug=event.slug, reason=core, at=at):
                continue
            deaths[kind] = Death(
                type=known_type(event.type), slug=event.slug or "", reason=kind[1], move=columns["move"]
            )
    return list(deaths.values())
