"""What waits, as an operator wants to know it: since when, for whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, func, select

from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.tables import events, is_pending


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEvent:
    """A pending event.

    Attributes:
        reason: its last error or the reason for which it was put off; None: there was no attempt yet.
        retrying_since: since when its attempts fail; None: they do not.
    """

    source: str
    id: str
    type: str
    linked_account_id: str
    slug: str | None
    recorded_at: datetime
    due_at: datetime
    attempts: int
    move: Move | None
    retrying_since: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """The events whose attempts fail for a reason that one party has to resolve, and the first that began to."""

    number: int
    first: WaitingEvent


_REASON = func.coalesce(events.c.last_error, events.c.detail, type_=events.c.detail.type).label("reason")
_EVENT = [events.c[name] for name in WaitingEvent.__dataclass_fields__ if name != "reason"]


def find_longest_waiting(connection: Connection) -> WaitingEvent | None:
    """Find the pending event that was recorded first.

    SELECT ... FROM events WHERE status = 'pending' ORDER BY recorded_at LIMIT 1
    """
    return _find(connection, order_by=events.c.recorded_at)


def find_longest_due(connection: Connection, now: datetime) -> WaitingEvent | None:
    """Find the pending event that has been due for the longest time; None: nothing is due."""
    event = _find(connection, order_by=events.c.due_at)
    return event if event is not None and event.due_at <= now else None


def find_retrying(connection: Connection) -> Mapping[Move, Retrying]:
    """Find the events whose attempts fail, by who has to act."""
    e = events.c
    counted = select(e.move, func.count().label("number")).where(is_pending, e.retrying_since.is_not(None))
    found = {}
    for row in connection.execute(counted.where(e.move.is_not(None)).group_by(e.move)).all():
        first = _find(connection, e.move == row.move, e.retrying_since.is_not(None), order_by=e.retrying_since)
        if first is not None:
            found[row.move] = Retrying(number=row.number, first=first)
    return found


def _find(connection: Connection, *conditions: ColumnElement[bool], order_by: Column[Any]) -> WaitingEvent | None:
    statement = select(*_EVENT, _REASON).where(is_pending, *conditions).order_by(order_by, events.c.id).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else WaitingEvent(**row._mapping)
