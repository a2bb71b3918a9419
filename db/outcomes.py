"""Each way in which an attempt can end for one event, as what it writes into the event's row.

No other module puts these columns together: a worker decides which outcome it is, when, and why.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, func, literal_column, select, tuple_, update

from cobalt_mirror.db.feed import record_entries
from cobalt_mirror.db.feed_entries import NewEntry
from cobalt_mirror.db.host_columns import Unreadable
from cobalt_mirror.db.log import SIGN_UP, LoggedEvent
from cobalt_mirror.db.statuses import ChangeType, EventStatus, Move, Unseen
from cobalt_mirror.db.tables import events, is_pending

_KEYS_A_STATEMENT = 1_000


@dataclass(frozen=True, slots=True)
class EventUpdate:
    """What is to be written into the row of one event. Make it with a function below."""

    key: tuple[str, str]
    columns: Mapping[str, Any]


def done(event: LoggedEvent, *, at: datetime, detail: str | None = None, unseen: Unseen | None = None) -> EventUpdate:
    """End an event that was carried out, or that asked for nothing more than was so already.

    Args:
        event: the event.
        at: the time.
        detail: a remark.
        unseen: what Cobalt did not show, so that nothing was done; see `revive`.
    """
    update = _ended(event, EventStatus.DONE, at=at, detail=detail)
    return update if unseen is None else EventUpdate(update.key, {**update.columns, "unseen": unseen})


def superseded(event: LoggedEvent, *, at: datetime, detail: str | None = None) -> EventUpdate:
    """End an event that a later event made moot."""
    return _ended(event, EventStatus.SUPERSEDED, at=at, detail=detail)


def _ended(event: LoggedEvent, status: EventStatus, *, at: datetime, detail: str | None) -> EventUpdate:
    columns = {"status": status, "finished_at": at, "detail": detail}
    cleared = {"move": None, "last_error": None, "last_response": None}
    return EventUpdate(event.key, {**columns, **cleared, **_without_credentials(event)})


def dead(
    event: LoggedEvent,
    *,
    at: datetime,
    detail: str | None,
    move: Move,
    response: Mapping[str, Any] | None = None,
    unseen: Unseen | None = None,
) -> EventUpdate:
    """End an event that can never succeed.

    Args:
        event: the event.
        at: the time.
        detail: the reason.
        move: who has to act.
        response: what Cobalt answered, if it did.
        unseen: what Cobalt did not show; see `revive`.
    """
    # Without `retrying_since`, an event that is set back to pending by hand is not given up at its next failure.
    columns = {"status": EventStatus.DEAD, "finished_at": at, "attempts": event.attempts + 1, "retrying_since": None}
    if unseen is not None:
        columns["unseen"] = unseen
    reason = {"last_error": detail, "last_response": response, "move": move, "detail": None}
    return EventUpdate(event.key, {**columns, **reason, **_without_credentials(event)})


def retry(
    event: LoggedEvent,
    *,
    due_at: datetime,
    since: datetime,
    detail: str | None,
    move: Move | None,
    response: Mapping[str, Any] | None = None,
) -> EventUpdate:
    """Try an event again after a failure, which counts as an attempt.

    Args:
        event: the event.
        due_at: when to try again.
        since: when it failed for the first time in a row.
        detail: the reason.
        move: who has to act for it to succeed.
        response: what Cobalt answered, if it did.
    """
    reason = {"last_error": detail, "last_response": response, "move": move, "detail": None}
    return EventUpdate(event.key, {**reason, "retrying_since": since, "attempts": event.attempts + 1, "due_at": due_at})


def snooze(
    event: LoggedEvent, *, due_at: datetime | None, detail: str | None, looked: bool = False, alone: bool = False
) -> EventUpdate:
    """Put an event off, which costs no attempt.

    Args:
        event: the event.
        due_at: when to go on; None: as before.
        detail: the reason.
        looked: whether this counts as one of the looks at what Cobalt does not show yet.
        alone: whether to try it without its neighbours, for they were refused together.
    """
    columns: dict[str, Any] = {"detail": detail, "looks": event.looks + looked}
    if due_at is not None:
        columns["due_at"] = due_at
    if alone:
        columns["alone"] = True
    return EventUpdate(event.key, columns)


def _without_credentials(event: LoggedEvent) -> dict[str, Any]:
    """Return the payload of a finished sign-up with a note that it had credentials instead of them, if it had any.

    A payload that cannot be read may have some, so nothing of it stays.
    """
    if event.type == SIGN_UP and isinstance(event.payload, Unreadable):  # credentials may be in it
        return {"payload": {}}
    if event.type != SIGN_UP or not isinstance(event.payload, dict):
        return {}
    if not {"sealed", "auth_credentials"} & event.payload.keys():
        return {}
    kept = {name: value for name, value in event.payload.items() if name not in {"sealed", "auth_credentials"}}
    return {"payload": {**kept, "had_credentials": True}}


def record_outcomes(connection: Connection, updates: Iterable[EventUpdate]) -> None:
    """Write outcomes; those that write the same columns in one go. An event that has ended keeps its outcome.

    UPDATE events SET status = :status, ... WHERE source = :key_source AND id = :key_id
    AND status <> 'done' AND status <> 'superseded' AND status <> 'dead' AND status <> 'discarded'
    """
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    updates = list(updates)
    _tell_of_dead(connection, [each for each in updates if each.columns.get("status") is EventStatus.DEAD])
    for each in updates:
        source, id_ = each.key
        alike.setdefault(tuple(sorted(each.columns)), []).append({**each.columns, "key_source": source, "key_id": id_})
    for columns, rows in alike.items():
        connection.execute(_update_of_one(columns), rows)


def _tell_of_dead(connection: Connection, updates: Sequence[EventUpdate]) -> None:
    """Tell the change feed of events that are about to be dead, unless they have ended already."""
    for start in range(0, len(updates), _KEYS_A_STATEMENT):
        by_key = {each.key: each.columns for each in updates[start : start + _KEYS_A_STATEMENT]}
        e = events.c
        columns = (e.source, e.id, e.type, e.linked_account_id, e.slug)
        rows = connection.execute(select(*columns).where(tuple_(e.source, e.id).in_(by_key), *NOT_ENDED)).all()
        entries = [_dead_entry(row, by_key[row.source, row.id]) for row in rows]
        record_entries(connection, entries, at=updates[start].columns["finished_at"])


def _dead_entry(row: Any, columns: Mapping[str, Any]) -> NewEntry:
    """Return the entry of the feed about a dead event. What in its row is no text is left out."""
    data = {name: _text(getattr(row, name)) for name in ("source", "id", "type")}
    return NewEntry(
        type=ChangeType.EVENT_DEAD,
        linked_account_id=_text(row.linked_account_id),
        slug=_text(row.slug) or None,
        data={**data, "move": columns["move"], "reason": columns["last_error"]},
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


#: What an event has that was never tried.
UNTRIED: Mapping[str, Any] = {
    **dict.fromkeys(("finished_at", "retrying_since", "unseen", "last_error", "last_response", "move", "detail")),
    "attempts": 0,
    "looks": 0,
    "alone": False,
}

#: In words from which no partial index follows (see `is_unfinished`), for these rows are found by their keys.
NOT_ENDED = [
    events.c.status != literal_column(f"'{status}'") for status in EventStatus if status is not EventStatus.PENDING
]


@cache
def _update_of_one(columns: tuple[str, ...]) -> Update:
    """Build the statement once for each set of columns."""
    by_key = and_(events.c.source == bindparam("key_source"), events.c.id == bindparam("key_id"))
    return (
        update(events)
        .where(by_key, *NOT_ENDED)
        .values({name: bindparam(name, type_=events.c[name].type) for name in columns})
    )


def reopen(connection: Connection, linked_account_id: str) -> bool:
    """Take up what somebody has set back to pending by hand, as if it had never been tried; tell whether there is any.

    UPDATE events SET finished_at = NULL, attempts = 0, ... WHERE linked_account_id = :account
    AND status = 'pending' AND finished_at IS NOT NULL
    """
    e = events.c
    is_set_back = and_(e.linked_account_id == linked_account_id, is_pending, e.finished_at.is_not(None))
    statement = update(events).where(is_set_back).values(UNTRIED)
    return connection.execute(statement).rowcount > 0


def record_effects(connection: Connection, effects: Mapping[tuple[str, str], Any]) -> None:
    """Keep what events had for an effect, also of those that ended before."""
    for (source, id_), effect in effects.items():
        by_key = and_(events.c.source == source, events.c.id == id_)
        connection.execute(update(events).where(by_key).values(effect=effect))


def find_unseen(connection: Connection, slugs: Collection[str]) -> list[tuple[str, str]]:
    """Find accounts and applications of events that ended because Cobalt did not know the application, in order.

    Args:
        connection: the transaction.
        slugs: only these applications.
    """
    e = events.c
    # `unseen IS NOT NULL` is what the partial index says, so that only the few are read.
    is_its = and_(e.unseen.is_not(None), e.unseen == Unseen.APPLICATION, e.slug.in_(slugs))
    statement = select(e.linked_account_id, e.slug).where(is_its).distinct().order_by(e.linked_account_id, e.slug)
    return [(row.linked_account_id, row.slug) for row in connection.execute(statement)]


def revive(
    connection: Connection,
    linked_account_id: str,
    slug: str,
    seen: Collection[Unseen],
    *,
    at: datetime,
    ended_before: datetime | None = None,
) -> int:
    """Make pending again what ended because Cobalt did not show what it shows now.

    Args:
        connection: the transaction.
        linked_account_id: the account.
        slug: the application; empty: the account itself was seen, so events of all its applications count.
        seen: what a read has shown.
        at: the time.
        ended_before: only events that ended before this. None: any.

    Returns:
        How many events are pending again.
    """
    is_its = and_(events.c.linked_account_id == linked_account_id, events.c.unseen.is_not(None))
    if slug:  # in a function, so that SQLite takes the index of the few and not that of the whole subject
        is_its = and_(is_its, func.coalesce(events.c.slug, "") == slug)
    if ended_before is not None:
        is_its = and_(is_its, events.c.finished_at < ended_before)
    pending = {"status": EventStatus.PENDING, "finished_at": None, "due_at": at, "looks": 0, "retrying_since": None}
    emptied = {"unseen": None, "move": None, "last_error": None, "last_response": None}
    detail = "carried out after all, as Cobalt shows now what it did not show before"
    statement = update(events).where(is_its, events.c.unseen.in_(seen)).values(**pending, **emptied, detail=detail)
    return connection.execute(statement).rowcount
