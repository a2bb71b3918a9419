"""The event log: rows go in once, are read in order, and end in an outcome."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from cobalt_mirror.db.engine import HostSession, connection_of, execute
from cobalt_mirror.db.host_columns import read_json
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.tables import event_numbers, events, is_unfinished
from cobalt_mirror.db.unreadable import readable
from cobalt_mirror.db.vault import Vault

#: The types of events that db itself asks for: those that begin and end an account. `events.EventType` has them all.
SIGN_UP, DELETION = "user_signed_up", "user_deleted"

#: How many keys a statement names at a time; SQLite takes 32,766 parameters, PostgreSQL's driver 65,535.
_KEYS_A_STATEMENT = 1_000


#: What makes an event this one: its source and id.
Key: TypeAlias = tuple[str, str]
#: The order of an event among those of its subject: when it occurred, its number, when its row was recorded, its id and
#: its source.
Order: TypeAlias = tuple[datetime, int, datetime, str, str]
#: What the receipt of a deletion knows of that order: all but when the row was recorded.
Place: TypeAlias = tuple[datetime, int, str, str]


def order_of(row: Any) -> Order:
    """Return the order of an event's row among those of its subject.

    Of one time, the row that was inserted first comes first, whatever its id and source. Rows without a number are
    older than all that have one; of these, when they were recorded decides, and then the id.
    """
    return row.occurred_at, row.number or 0, row.recorded_at, row.id, row.source


#: The columns of that order, for statements.
ORDER_COLUMNS: tuple[ColumnElement[Any], ...] = (
    events.c.occurred_at,
    func.coalesce(events.c.number, 0),
    events.c.recorded_at,
    events.c.id,
    events.c.source,
)


def place_of(order: Order) -> Place:
    """Return the part of an order that receipts keep."""
    occurred_at, number, _, id_, source = order
    return occurred_at, number, id_, source


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """One row of the event log, as a worker needs it."""

    source: str
    id: str
    type: str
    linked_account_id: str
    slug: str | None
    payload: Any
    occurred_at: datetime
    recorded_at: datetime
    status: EventStatus = EventStatus.PENDING
    attempts: int = 0
    looks: int = 0
    due_at: datetime | None = None
    retrying_since: datetime | None = None
    alone: bool = False
    meant_for: Any = None
    effect: Any = None
    number: int | None = None
    #: Which operator had it tried again after it was dead.
    operator: str | None = None
    #: The host's span in which it was published.
    traceparent: str | None = None
    #: Why the row cannot be read; its other values are then harmless ones. None: it can.
    fault: str | None = None

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> Self:
        """Read a row, whatever a host has written into it."""
        return cls(**readable({name: columns[name] for name in _NAMES}))

    @property
    def key(self) -> Key:
        """Its source and id."""
        return self.source, self.id

    @property
    def order(self) -> Order:
        """Its order among the events of its subject."""
        return order_of(self)


#: What a `LoggedEvent` is made of.
_NAMES = [name for name in LoggedEvent.__dataclass_fields__ if name != "fault"]
EVENT_COLUMNS = [events.c[name] for name in _NAMES]


def content_of(values: Mapping[str, Any]) -> str:
    """Return what must be equal when the same id comes again; the times may differ."""
    named = [values["type"], values["linked_account_id"], values.get("slug"), values["payload"]]
    return json.dumps(named, sort_keys=True, default=repr)  # what cannot be read stands for itself


#: By dialect.
_RECORD: Mapping[str, Any] = {
    dialect: insert(events).on_conflict_do_nothing(index_elements=["source", "id"])
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}


def record_events(session: HostSession, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Insert rows whose (source, id) is not there yet. Of those of one time, the first given comes first.

    Returns:
        The keys of the rows that are new.
    """
    connection = connection_of(session)
    statement = _RECORD[connection.dialect.name]
    if len(rows) == 1:
        result = execute(connection, statement, rows[0])
        return {(rows[0]["source"], rows[0]["id"])} if result.rowcount == 1 else set()
    if connection.dialect.name == "postgresql":
        rows = _in_order_of_keys(connection, rows)
    inserted = execute(connection, statement.returning(events.c.source, events.c.id), list(rows))
    return {(row.source, row.id) for row in inserted}


_NUMBERS = select(event_numbers.next_value()).select_from(func.generate_series(1, bindparam("count", type_=Integer)))


def _in_order_of_keys(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort rows by key, so that two transactions with the same events cannot deadlock; number them as they were given.

    One statement more: SELECT nextval('cobalt_mirror.events_number') FROM generate_series(1, 500)
    """
    numbers = sorted(execute(connection, _NUMBERS, {"count": len(rows)}).scalars())
    numbered = [{**row, "number": number} for row, number in zip(rows, numbers, strict=True)]
    return sorted(numbered, key=lambda row: (row["source"], row["id"]))


#: The payload as text: a host's engine does not know how to read every JSON that PostgreSQL stores.
_CONTENT = [
    *(events.c[name] for name in ("source", "id", "type", "linked_account_id", "slug", "fingerprint")),
    cast(events.c.payload, Text).label("payload"),
]


def find_conflicts(
    session: HostSession, contents: Mapping[tuple[str, str], str], vault: Vault
) -> list[tuple[str, str]]:
    """Find the keys under which the log holds other contents than these."""
    wanted, conflicts = list(contents), []
    for start in range(0, len(wanted), _KEYS_A_STATEMENT):
        keys = wanted[start : start + _KEYS_A_STATEMENT]
        statement = select(*_CONTENT).where(tuple_(events.c.source, events.c.id).in_(keys))
        for row in execute(session, statement):
            content = contents[(row.source, row.id)]
            same = (
                content_of({**row._mapping, "payload": read_json(row.payload)}) == content
                if row.fingerprint is None
                else vault.matches(content, row.fingerprint)
            )
            if not same:
                conflicts.append((row.source, row.id))
    return conflicts


def is_subject(linked_account_id: str, slug: str) -> ColumnElement[bool]:
    """Return the condition for the events of one subject; the empty slug is the account itself."""
    is_account = events.c.linked_account_id == linked_account_id
    if slug:
        return and_(is_account, events.c.slug == slug)
    return and_(is_account, or_(events.c.slug.is_(None), events.c.slug == ""))


def get_since_first_pending(connection: Connection, linked_account_id: str, slug: str) -> list[LoggedEvent]:
    """Read the events of a connection from the first pending one on, oldest first.

    These are the pending events, due or not, and those that are done or dead although they are no older than the first
    that is pending. What was superseded or discarded was never carried out.
    """
    rows = connection.execute(_SINCE_FIRST_PENDING, {"account": linked_account_id, "slug": slug})
    return sorted((LoggedEvent.from_columns(row._mapping) for row in rows), key=lambda event: event.order)


def is_since_first_pending(*, of_slug: bool) -> ColumnElement[bool]:
    """Return the condition of `get_since_first_pending`: with `of_slug` for a connection, else for the account."""
    is_slug = events.c.slug == bindparam("slug")
    subject = is_slug if of_slug else or_(events.c.slug.is_(None), is_slug)
    is_its = and_(events.c.linked_account_id == bindparam("account"), subject)
    first = select(func.min(events.c.occurred_at)).where(is_its, is_unfinished).scalar_subquery()
    counts = (events.c.status != EventStatus.SUPERSEDED, events.c.status != EventStatus.DISCARDED)
    return and_(is_its, *counts, events.c.occurred_at >= first)


#: Put together once, for every attempt at a connection asks.
_SINCE_FIRST_PENDING = select(*EVENT_COLUMNS).where(is_since_first_pending(of_slug=True))
