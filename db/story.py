"""What is stored of one customer, as an operator's question needs it: what waits, what is dead, and what happened when.

Every statement goes by the account, with an index, and returns no more rows than are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select, true

from cobalt_mirror.db.calls import MadeCall
from cobalt_mirror.db.statuses import EventStatus, Move, RowKind, SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.tables import (
    calls,
    checks,
    denials,
    events,
    history,
    is_unfinished,
    looks,
    notifications,
    runs,
    suspicions,
    work,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event without its payload. `reason`: its last error, or the remark of its last outcome."""

    source: str
    id: str
    type: str
    slug: str | None
    recorded_at: datetime
    status: EventStatus
    attempts: int
    due_at: datetime
    retrying_since: datetime | None
    finished_at: datetime | None
    move: Move | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEvents:
    """The dead events of a customer that one party has to resolve, and the one that died first."""

    number: int
    first: StoredEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCheck:
    """A subject that is to be read again. An empty slug is the account itself."""

    slug: str
    due_at: datetime
    reason: str
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change of the mirror: each column with its value before and after, and what caused it."""

    recorded_at: datetime
    what: RowKind
    slug: str | None
    config_id: str | None
    connection_id: str | None
    changes: Mapping[str, Sequence[Any]]
    because: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call to Cobalt. An empty slug is the account itself."""

    slug: str
    attempt: str
    call: MadeCall


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """What Cobalt's webhook sent, without its body."""

    received_at: datetime
    event: str
    slug: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspected:
    """What a run of the reconciliation suspected of a subject, and what came of it; None: nothing yet."""

    run_id: str
    started_at: datetime
    finished_at: datetime | None
    slug: str
    kind: SuspicionKind
    outcome: SuspicionOutcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigsRead:
    """When a reconciliation last read a connection with its configs."""

    slug: str
    looked_at: datetime


def _of(table: Table, account: str, slug: str | None) -> ColumnElement[bool]:
    """Narrow a table to an account; with a slug, to that application and the account itself."""
    is_its = table.c.linked_account_id == account
    return is_its if slug is None else is_its & func.coalesce(table.c.slug, "").in_(["", slug])


_REASON = func.coalesce(events.c.last_error, events.c.detail, type_=events.c.detail.type).label("reason")
_EVENT = [events.c[name] for name in StoredEvent.__dataclass_fields__ if name != "reason"]
_LAST = func.coalesce(events.c.finished_at, events.c.recorded_at, type_=events.c.recorded_at.type)


def _events(rows: Iterable[Any]) -> list[StoredEvent]:
    return [StoredEvent(**row._mapping) for row in rows]


def list_pending(connection: Connection, account: str, slug: str | None, *, limit: int) -> list[StoredEvent]:
    """List pending events, those first that are due first."""
    wanted = select(*_EVENT, _REASON).where(_of(events, account, slug), is_unfinished)
    is_waiting = events.c.status == EventStatus.PENDING
    return _events(connection.execute(wanted.where(is_waiting).order_by(events.c.due_at, events.c.id).limit(limit)))


def find_failing(connection: Connection, account: str, slug: str | None) -> dict[Move | None, StoredEvent]:
    """Find, for each party that has to act, the pending event that has failed for the longest time.

    The key None is of failures of which nobody in particular is said to have to act.
    """
    first = func.row_number().over(partition_by=events.c.move, order_by=(events.c.retrying_since, events.c.id))
    is_failing = (is_unfinished, events.c.status == EventStatus.PENDING, events.c.retrying_since.is_not(None))
    ranked = select(events.c.source, events.c.id, first.label("place")).where(_of(events, account, slug), *is_failing)
    return {event.move: event for event in _first_of(connection, ranked)}


def find_dead(connection: Connection, account: str, slug: str | None) -> dict[Move, DeadEvents]:
    """Count the dead events by who has to act, and find the first of each."""
    is_its = (_of(events, account, slug), events.c.status == EventStatus.DEAD)
    counted = select(events.c.move, func.count()).where(*is_its).group_by(events.c.move)
    numbers = dict.fromkeys(Move, 0)
    for move, number in connection.execute(counted):
        numbers[move or Move.OPERATOR] += number
    first = func.row_number().over(partition_by=events.c.move, order_by=(events.c.finished_at, events.c.id))
    ranked = select(events.c.source, events.c.id, first.label("place")).where(*is_its)
    firsts: dict[Move, StoredEvent] = {}
    for event in sorted(_first_of(connection, ranked), key=lambda each: each.finished_at or each.recorded_at):
        firsts.setdefault(event.move or Move.OPERATOR, event)
    return {move: DeadEvents(number=numbers[move], first=event) for move, event in firsts.items()}


def _first_of(connection: Connection, ranked: Select[Any]) -> list[StoredEvent]:
    chosen = ranked.subquery("ranked")
    is_same = (events.c.source == chosen.c.source) & (events.c.id == chosen.c.id)
    statement = select(*_EVENT, _REASON).select_from(chosen.join(events, is_same)).where(chosen.c.place == 1)
    return _events(connection.execute(statement))


def list_stored_events(
    connection: Connection, account: str, slug: str | None, *, since: datetime | None, limit: int
) -> list[StoredEvent]:
    """List the events that were recorded or ended last, oldest first."""
    wanted = select(*_EVENT, _REASON).where(_of(events, account, slug), _after(_LAST, since))
    latest_first = (
        _LAST.desc(),
        func.coalesce(events.c.number, 0).desc(),
        events.c.recorded_at.desc(),
        events.c.id.desc(),
    )
    return _events(connection.execute(wanted.order_by(*latest_first).limit(limit)))[::-1]


def list_checks(connection: Connection, account: str, slug: str | None) -> list[WaitingCheck]:
    """List the subjects that are to be read again, those first that are due first."""
    columns = [checks.c[name] for name in WaitingCheck.__dataclass_fields__]
    statement = select(*columns).where(_of(checks, account, slug)).order_by(checks.c.due_at, checks.c.slug)
    return [WaitingCheck(**row._mapping) for row in connection.execute(statement)]


def find_lease_end(connection: Connection, account: str) -> datetime | None:
    """Find when the lease of the worker that has the account ends; None: no worker has it."""
    held = select(work.c.leased_until).where(work.c.linked_account_id == account, work.c.lease_token.is_not(None))
    return connection.execute(held).scalar_one_or_none()


def find_denied_since(connection: Connection, account: str) -> datetime | None:
    """Find since when Cobalt says that it does not have the account; None: it does not say so."""
    statement = select(denials.c.since).where(denials.c.linked_account_id == account)
    return connection.execute(statement).scalar_one_or_none()


def list_calls(
    connection: Connection, account: str, slug: str | None, *, since: datetime | None, limit: int
) -> list[StoredCall]:
    """List the latest calls, oldest first."""
    names = ("slug", "attempt", *MadeCall.__dataclass_fields__)
    rows = _latest(connection, calls, names, _of(calls, account, slug) & _after(calls.c.made_at, since), limit)
    return [
        StoredCall(
            slug=row.slug,
            attempt=row.attempt,
            call=MadeCall(**{name: row._mapping[name] for name in MadeCall.__dataclass_fields__}),
        )
        for row in rows
    ]


def list_changes(
    connection: Connection, account: str, slug: str | None, *, since: datetime | None, limit: int
) -> list[StoredChange]:
    """List the latest changes of the mirror, oldest first."""
    names = tuple(StoredChange.__dataclass_fields__)
    is_after = _after(history.c.recorded_at, since)
    rows = _latest(connection, history, names, _of(history, account, slug) & is_after, limit)
    return [StoredChange(**row._mapping) for row in rows]


def list_notifications(
    connection: Connection, account: str, slug: str | None, *, since: datetime | None, limit: int
) -> list[StoredNotification]:
    """List Cobalt's latest notifications, oldest first."""
    names = tuple(StoredNotification.__dataclass_fields__)
    is_after = _after(notifications.c.received_at, since)
    rows = _latest(connection, notifications, names, _of(notifications, account, slug) & is_after, limit)
    return [StoredNotification(**row._mapping) for row in rows]


def _latest(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    is_wanted: ColumnElement[bool],
    limit: int,
) -> Sequence[Row[Any]]:
    """Read the rows with the highest numbers.

    SELECT ... WHERE linked_account_id = :account ORDER BY number DESC LIMIT :limit
    """
    statement = select(*(table.c[name] for name in names)).where(is_wanted)
    return connection.execute(statement.order_by(table.c.number.desc()).limit(limit)).all()[::-1]


def list_suspected(
    connection: Connection, account: str, slug: str | None, *, since: datetime | None, limit: int
) -> list[Suspected]:
    """List what the latest runs of the reconciliation suspected, latest run first."""
    columns = [
        suspicions.c[name] if name in suspicions.c else runs.c[name]
        for name in ("run_id", "started_at", "finished_at", "slug", "kind", "outcome")
    ]
    joined = suspicions.join(runs, runs.c.id == suspicions.c.run_id)
    wanted = select(*columns).select_from(joined).where(_of(suspicions, account, slug))
    wanted = wanted.where(_after(func.coalesce(runs.c.finished_at, runs.c.started_at, type_=_TIME), since))
    rows = connection.execute(wanted.order_by(runs.c.started_at.desc(), suspicions.c.slug).limit(limit))
    return [Suspected(**row._mapping) for row in rows]


_TIME = runs.c.started_at.type


def list_configs_read(connection: Connection, account: str, slug: str | None) -> list[ConfigsRead]:
    """List when each connection was last read with its configs by a reconciliation."""
    statement = select(looks.c.slug, looks.c.looked_at).where(_of(looks, account, slug)).order_by(looks.c.slug)
    return [ConfigsRead(**row._mapping) for row in connection.execute(statement)]


def _after(moment: ColumnElement[Any], since: datetime | None) -> ColumnElement[bool]:
    return true() if since is None else moment >= since


#: The latest changes of an account in which the last change of a status is looked for.
_LOOKED_THROUGH = 200


def find_status_times(connection: Connection, account: str) -> dict[tuple[RowKind, str], datetime]:
    """Find when the status of the account and of each connection changed last, among the account's latest changes."""
    rows = list_changes(connection, account, None, since=None, limit=_LOOKED_THROUGH)
    return {(row.what, row.slug or ""): row.recorded_at for row in rows if "status" in row.changes}
