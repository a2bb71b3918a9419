"""Single events, for the operator who names one."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select, tuple_, update

from cobalt_mirror.db.log import Key
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.db.tables import events, is_pending

_KEYS_A_STATEMENT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A row of the event log.

    Attributes:
        payload: as it is stored: parts of it may be sealed, or it may be unreadable.
        operator: who set it back to pending or discarded it last; None: nobody did.
        operated_at: when.
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
    retrying_since: datetime | None
    finished_at: datetime | None
    last_error: str | None
    last_response: Any
    move: Move | None
    detail: str | None
    operator: str | None
    operated_at: datetime | None
    payload: Any

    @property
    def key(self) -> Key:
        """Its source and id."""
        return self.source, self.id


_COLUMNS = [events.c[name] for name in StoredEvent.__dataclass_fields__]


def find_events(connection: Connection, id_: str, *, source: str | None = None) -> list[StoredEvent]:
    """Find the events with an id: at most one of each source."""
    statement = select(*_COLUMNS).where(events.c.id == id_).order_by(events.c.source)
    if source is not None:
        statement = statement.where(events.c.source == source)
    return [StoredEvent(**row._mapping) for row in connection.execute(statement)]


def get_payloads(connection: Connection, keys: Collection[Key]) -> Mapping[Key, Any]:
    """Read the payloads of events by their keys."""
    wanted, payloads = list(keys), dict[Key, Any]()
    for start in range(0, len(wanted), _KEYS_A_STATEMENT):
        is_meant = tuple_(events.c.source, events.c.id).in_(wanted[start : start + _KEYS_A_STATEMENT])
        for row in connection.execute(select(events.c.source, events.c.id, events.c.payload).where(is_meant)):
            payloads[row.source, row.id] = row.payload
    return payloads


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far events are.

    Attributes:
        by_status: how many there are of each status.
        due_at: when the first is due of those that were put off although nothing failed and nothing is looked for, such
            as by the rate limit; None: there is none.
    """

    by_status: Mapping[EventStatus, int]
    due_at: datetime | None


def get_progress(connection: Connection, keys: Collection[Key]) -> Progress:
    """Read how far events are, at most a thousand."""
    is_meant = tuple_(events.c.source, events.c.id).in_(list(keys))
    columns = (events.c.status, events.c.due_at, events.c.looks, events.c.retrying_since)
    rows = connection.execute(select(*columns).where(is_meant)).all()
    pending = [row for row in rows if row.status is EventStatus.PENDING]
    waiting = [row.due_at for row in pending if not row.looks and row.retrying_since is None]
    return Progress(by_status=Counter(row.status for row in rows), due_at=min(waiting, default=None))


def hurry(connection: Connection, key: Key, *, at: datetime, by: str) -> bool:
    """Make an event due now, and say until its next attempt who did. False: it does not wait.

    Not in the column `operator`, for that tells a replay, before which the subject is read.
    """
    source, id_ = key
    is_meant = and_(events.c.source == source, events.c.id == id_, is_pending)
    return (
        connection.execute(update(events).where(is_meant).values(due_at=at, detail=f"made due by {by}")).rowcount == 1
    )
