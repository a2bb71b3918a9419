"""What is deleted of the past: read and deleted a batch at a time, each in a transaction of its own, without waiting.

Which finished events may go is decided elsewhere; here is what no decision may delete.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    tuple_,
    update,
)

from cobalt_mirror.db.log import EVENT_COLUMNS, ORDER_COLUMNS, Key, LoggedEvent, Order
from cobalt_mirror.db.notifications import without_body
from cobalt_mirror.db.statuses import ChangeType, ConnectionStatus, EventStatus, NoticeStatus, SuspicionOutcome
from cobalt_mirror.db.tables import (
    calls,
    changes,
    connections,
    events,
    history,
    notices,
    notifications,
    runs,
    suspicions,
    walked,
)

#: How long a batch waits for a lock on a whole table, as a migration holds it. Rows in use are passed over.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '2s'"
#: What waits for nobody. A dead event waits for a person.
_FINISHED = [status for status in EventStatus if status not in {EventStatus.PENDING, EventStatus.DEAD}]


def begin_batch(connection: Connection) -> None:
    """Begin a batch that gives way to others."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_LOCK_TIMEOUT))


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedEvent:
    """A finished event.

    Attributes:
        logged: its row.
        is_old: whether it was finished so long ago that it may go.
    """

    logged: LoggedEvent
    is_old: bool


def read_finished(connection: Connection, before: datetime, *, after: str | None, limit: int) -> list[FinishedEvent]:
    """Read the finished events of the accounts after one, account by account, in no order within an account.

    SELECT ... FROM events WHERE linked_account_id > :after AND status IN ('done', ...)
    ORDER BY linked_account_id LIMIT :limit
    """
    is_after = [] if after is None else [events.c.linked_account_id > after]
    return _read(connection, before, *is_after, order=[events.c.linked_account_id], limit=limit)


def read_finished_of(
    connection: Connection, before: datetime, linked_account_id: str, *, older_than: Order | None, limit: int
) -> list[FinishedEvent]:
    """Read the finished events of one account that are older than one of them, newest first."""
    is_older = [] if older_than is None else [tuple_(*ORDER_COLUMNS) < tuple_(*_bound(older_than))]
    is_its = events.c.linked_account_id == linked_account_id
    return _read(connection, before, is_its, *is_older, order=[column.desc() for column in ORDER_COLUMNS], limit=limit)


def _bound(order: Order) -> list[Any]:
    occurred_at, number, recorded_at, id_, source = order
    time = events.c.occurred_at.type
    return [bindparam("at", occurred_at, type_=time), number, bindparam("recorded", recorded_at, time), id_, source]


def _read(
    connection: Connection, before: datetime, *wanted: ColumnElement[bool], order: Sequence[Any], limit: int
) -> list[FinishedEvent]:
    is_old = _is_old(before).label("is_old")
    statement = select(*EVENT_COLUMNS, is_old).where(events.c.status.in_(_FINISHED), *wanted).order_by(*order)
    rows = connection.execute(statement.limit(limit)).mappings()
    return [FinishedEvent(logged=LoggedEvent.from_columns(row), is_old=bool(row["is_old"])) for row in rows]


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Return the condition for events that may go. One that a read can revive waits for that read."""
    return and_(events.c.status.in_(_FINISHED), events.c.finished_at < before, events.c.unseen.is_(None))


def delete_events(connection: Connection, keys: Collection[Key], before: datetime) -> int:
    """Delete events that may go still, except those whose rows are in use just now. Return how many."""
    if not keys:
        return 0
    key = tuple_(events.c.source, events.c.id)
    free = select(events.c.source, events.c.id).where(key.in_(keys), _is_old(before)).with_for_update(skip_locked=True)
    return connection.execute(delete(events).where(key.in_(free))).rowcount


# --- what is numbered -------------------------------------------------------------------------------------------------


def prune_history(connection: Connection, before: datetime, *, after: int, limit: int, dry_run: bool) -> "Step":
    """Delete old entries of the history, beginning after a number."""
    return _prune_old(connection, history, history.c.recorded_at < before, after=after, limit=limit, dry_run=dry_run)


def prune_calls(connection: Connection, before: datetime, *, after: int, limit: int, dry_run: bool) -> "Step":
    """Delete what is known of old calls to Cobalt, beginning after a number."""
    return _prune_old(connection, calls, calls.c.made_at < before, after=after, limit=limit, dry_run=dry_run)


def prune_changes(connection: Connection, before: datetime, *, after: int, limit: int, dry_run: bool) -> "Step":
    """Delete old entries of the change feed, beginning after a position, until the first that is not old.

    The positions that are left have no gap, by which readers see that they missed nothing. The last one stays, for the
    next is counted from it.
    """
    c = changes.c
    last = select(func.max(c.position)).where(c.position.is_not(None)).scalar_subquery()
    is_old = and_(c.recorded_at < before, c.position < last).label("is_old")
    rows = connection.execute(select(c.position, is_old).where(c.position > after).order_by(c.position).limit(limit))
    old = [row.position for row in takewhile(lambda row: bool(row.is_old), rows.all())]
    if old and not dry_run:
        connection.execute(delete(changes).where(c.position <= old[-1]))
    return Step(len(old), old[-1] if len(old) == limit else None)


def _prune_old(
    connection: Connection, table: Table, is_old: ColumnElement[bool], *, after: int, limit: int, dry_run: bool
) -> "Step":
    """Delete rows until the first batch without an old one: they are numbered as time goes on."""
    page = select(table.c.number, is_old.label("is_old")).where(table.c.number > after)
    rows = connection.execute(page.order_by(table.c.number).limit(limit)).all()
    old = [row.number for row in rows if row.is_old]
    if old and not dry_run:
        connection.execute(delete(table).where(table.c.number.in_(old)))
    return Step(len(old), rows[-1].number if len(rows) == limit and old else None)


def prune_bodies(connection: Connection, before: datetime, *, after: int, limit: int, dry_run: bool) -> "Step":
    """Empty the bodies of old notifications, beginning after a number. When a connection was created stays.

    A removal that comes late is told from a newer connection by that time.
    """
    n = notifications.c
    page = select(n.number, n.event, n.payload).where(n.number > after, n.payload.is_not(None), n.received_at < before)
    rows = connection.execute(page.order_by(n.number).limit(limit)).all()
    bare = [
        {"number_": row.number, "payload": kept}
        for row in rows
        if (kept := without_body(row.event, row.payload)) != row.payload
    ]
    if bare and not dry_run:
        statement = update(notifications).where(n.number == bindparam("number_"))
        connection.execute(statement.values(payload=bindparam("payload", type_=n.payload.type)), bare)
    return Step(len(bare), rows[-1].number if len(rows) == limit else None)


@dataclass(frozen=True, slots=True)
class Step:
    """What a batch did: how many rows, and after which number to go on; None: nothing is left."""

    rows: int
    after: int | None


# --- notices ----------------------------------------------------------------------------------------------------------


def prune_notices(
    connection: Connection, before: datetime, *, pending_before: datetime, limit: int, dry_run: bool
) -> int:
    """Delete old notices. Return how many rows.

    A notice of a failure stays while the connection fails: it decides whether the recovery is sent.

    Args:
        connection: a transaction.
        before: notices that do not wait are deleted if they are of entries from before this time.
        pending_before: notices that wait, if from before this time: their receiver is disabled or gone.
        limit: the most rows.
        dry_run: whether only to count.
    """
    n, c = notices.c, connections.c
    fails = exists().where(
        c.linked_account_id == n.linked_account_id, c.slug == n.slug, c.status == ConnectionStatus.REAUTH_REQUIRED
    )
    is_needed = and_(n.type == ChangeType.CONNECTION_REAUTH_REQUIRED, n.told, fails)
    is_ended = n.status != NoticeStatus.PENDING
    is_old = or_(n.recorded_at < pending_before, and_(n.recorded_at < before, is_ended))
    return _delete_some(connection, notices, and_(is_old, not_(is_needed)), limit=limit, dry_run=dry_run)


# --- runs -------------------------------------------------------------------------------------------------------------


def prune_walks(connection: Connection, before: datetime, *, limit: int, dry_run: bool) -> int:
    """Delete what runs that began long ago noted, except what they left in doubt. Return how many rows.

    What is in doubt counts against the freshness of the mirror until a complete run has compared it.
    """
    ended = select(runs.c.id).where(runs.c.started_at < before, runs.c.place.is_(None))
    not_left = or_(suspicions.c.outcome.is_(None), suspicions.c.outcome != SuspicionOutcome.LEFT)
    wanted = ((walked, walked.c.run_id.in_(ended)), (suspicions, and_(suspicions.c.run_id.in_(ended), not_left)))
    return sum(_delete_some(connection, table, old, limit=limit, dry_run=dry_run) for table, old in wanted)


def _delete_some(
    connection: Connection, table: Table, wanted: ColumnElement[bool], *, limit: int, dry_run: bool
) -> int:
    key = tuple_(*table.primary_key.columns)
    if dry_run:
        return connection.execute(select(func.count()).select_from(table).where(wanted)).scalar_one()
    some = select(*table.primary_key.columns).where(wanted).limit(limit)
    return connection.execute(delete(table).where(key.in_(some))).rowcount
