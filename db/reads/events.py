"""How events fare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.reads.freshness import by_name
from cobalt_mirror.db.statuses import EventStatus, Move


@dataclass(frozen=True, slots=True, kw_only=True)
class EventState:
    """How an event fares. Its payload is not shown: it may hold what a customer typed.

    Attributes:
        last_error: what went wrong last, for one that is retried or dead.
        last_response: what Cobalt answered then: `call`, `status`, `code`, `message` and `request_id`, without secrets;
            None: it did not answer, or not in words of its own.
        move: who has to act; None: nobody.
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
    """The latest events, newest first: of one account, of one status, or of all."""
    e = tables.events
    wanted = [e.c[name] for name in EventState.__dataclass_fields__]
    statement = select(*wanted).order_by(e.c.occurred_at.desc(), e.c.id.desc()).limit(limit)
    if linked_account_id is not None:
        statement = statement.where(e.c.linked_account_id == linked_account_id)
    if status is not None:
        statement = statement.where(e.c.status == status)
    return [EventState(**by_name(row)) for row in execute(session, statement).mappings()]


def count_events(session: HostSession) -> dict[tuple[EventStatus, Move | None], int]:
    """How many events there are by status and by whose move it is."""
    e = tables.events
    statement = select(e.c.status, e.c.move, func.count().label("number")).group_by(e.c.status, e.c.move)
    return {(row.status, row.move): row.number for row in execute(session, statement)}


def find_oldest_waiting(session: HostSession) -> datetime | None:
    """When the oldest pending event was recorded; None when nothing waits."""
    e = tables.events
    statement = select(func.min(e.c.recorded_at, type_=e.c.recorded_at.type)).where(tables.is_pending)
    found: datetime | None = execute(session, statement).scalar_one()
    return found
