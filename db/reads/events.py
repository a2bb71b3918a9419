"""How far events are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.log import ORDER_COLUMNS
from cobalt_mirror.db.reads.freshness import by_name
from cobalt_mirror.db.statuses import EventStatus, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class EventState:
    """How far an event is. Its payload is not shown: it may hold what a customer typed.

    Attributes:
        last_error: what went wrong last, if it is retried or dead.
        last_response: what Cobalt answered then: `call`, `status`, `code`, `message` and `request_id`, without secrets;
            None: it did not answer, or not in words of its own.
        move: who has to act; None: no one has to.
        detail: why it was superseded, or what is noteworthy about how it was done.
    """

    source: str
    id: str
    type: str
    linked_account_id: str
    slug: str | None
    occurred_at: datetime
    recorded_at: datetime
    status: EventStatus
    attempts: int
    due_at: datetime
    last_error: str | None
    last_response: Mapping[str, Any] | None
    move: Move | None
    detail: str | None


def list_events(
    session: HostSession,
    linked_account_id: str | None = None,
    *,
    status: EventStatus | None = None,
    limit: int = 100,
) -> list[EventState]:
    """List the latest events, newest first: of one account, of one status, or all."""
    e = tables.events
    columns = [e.c[name] for name in EventState.__dataclass_fields__]
    statement = select(*columns).order_by(*(column.desc() for column in ORDER_COLUMNS)).limit(limit)
    if linked_account_id is not None:
        statement = statement.where(e.c.linked_account_id == linked_account_id)
    if status is not None:
        statement = statement.where(e.c.status == status)
    return [_state(by_name(row)) for row in execute(session, statement).mappings()]


def find_event(session: HostSession, source: str, id_: str) -> EventState | None:
    """Find how far one event is; None: the log does not have it."""
    e = tables.events.c
    columns = [e[name] for name in EventState.__dataclass_fields__]
    statement = select(*columns).where(e.source == source, e.id == id_)
    row = execute(session, statement).mappings().one_or_none()
    return None if row is None else _state(by_name(row))


#: What has been due for longer is held up by something that no page can wait for: no worker runs, or calls are halted.
SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """How many events of an account are pending, and how many of these should be carried out at any moment."""

    all: int
    soon: int


def count_pending(session: HostSession, linked_account_id: str, *, now: datetime) -> Pending:
    """Count the pending events of an account. Those that wait for a retry or a pause do not come soon.

    SELECT count(*), count(*) FILTER (WHERE due_at <= :now AND due_at >= :now - 30 s) FROM events
    WHERE linked_account_id = :account AND status = 'pending' AND finished_at IS NULL
    """
    e = tables.events.c
    comes_soon = (e.due_at <= now) & (e.due_at >= now - SOON)
    counts = select(func.count().label("every"), func.count().filter(comes_soon).label("soon"))
    is_its = (e.linked_account_id == linked_account_id, tables.is_unfinished, e.status == EventStatus.PENDING)
    row = execute(session, counts.where(*is_its)).one()
    return Pending(all=row.every, soon=row.soon)


def _state(columns: dict[str, Any]) -> EventState:
    """Make the state of a row; what a host wrote into `last_response` may be unreadable."""
    response = columns["last_response"]
    return EventState(**{**columns, "last_response": response if isinstance(response, Mapping) else None})


def count_events(session: HostSession) -> dict[tuple[EventStatus, Move | None], int]:
    """Count the events by status and by who has to act."""
    e = tables.events
    statement = select(e.c.status, e.c.move, func.count().label("number")).group_by(e.c.status, e.c.move)
    counts = Counter[tuple[EventStatus, Move | None]]()
    for row in execute(session, statement):
        counts[row.status, row.move] += row.number  # a word that a host wrote into `move` reads as none
    return dict(counts)


def find_oldest_waiting(session: HostSession) -> datetime | None:
    """Find when the oldest pending event was recorded; None: no event is pending."""
    e = tables.events
    statement = select(func.min(e.c.recorded_at, type_=e.c.recorded_at.type)).where(tables.is_pending)
    recorded_at: datetime | None = execute(session, statement).scalar_one()
    return recorded_at
