"""What a host's pages read: one customer's integrations, connections, configs, events and history. No call to Cobalt.

Every function takes the host's own session (or connection) and runs one SELECT in it, in the schema that this says
(`db.engine.schema_of`): one process may read several mirrors.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from sqlalchemy import BindParameter, ColumnElement, Select, Table, and_, bindparam, case, exists, func, literal, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.runs import read_last_pass, select_last_pass
from cobalt_mirror.db.statuses import (
    AccountStatus,
    ConfigStatus,
    ConnectionStatus,
    EventStatus,
    Move,
    RowKind,
    SuspicionKind,
    SuspicionOutcome,
)


class State(StrEnum):
    """What a page offers for an application: connect it, show it as connected, or ask to connect it again."""

    CONNECT = "connect"
    CONNECTED = "connected"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One application as one customer sees it. Show Cobalt's name and icon: some providers insist on theirs.

    Attributes:
        auth_types: each way to connect it, with the inputs that a form needs.
        connected_at: when it was connected last; None when it is not.
        verified_at: when Cobalt was last asked about the connection itself; None when it never was.
        fresh_at: when the state is known to have agreed with Cobalt: the later of `verified_at` and the start of the
            last complete reconciliation, unless that one left it in doubt. None: nobody knows.
    """

    slug: str
    name: str
    icon: str | None
    description: str | None
    tags: Sequence[str]
    auth_types: Sequence[Mapping[str, Any]]
    state: State
    connected_at: datetime | None
    verified_at: datetime | None
    fresh_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredAccount:
    """A linked account as mirrored.

    Attributes:
        verified_at: when Cobalt was last asked about this account itself; None: never.
        fresh_at: when the row is known to have agreed with Cobalt: the later of `verified_at` and the start of the
            last complete reconciliation, unless that one left the row in doubt. None: nobody knows.
    """

    linked_account_id: str
    name: str | None
    udf: Mapping[str, Any] | None
    environment: str | None
    status: AccountStatus
    verified_at: datetime | None
    fresh_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredConnection:
    """A connection as mirrored.

    Attributes:
        accounts: identifier, auth_type, connected_at and status of each connected account; None: not known, for only
            Cobalt's listing was seen so far.
        verified_at: when Cobalt was last asked about this connection itself; None: never.
        fresh_at: as for an account.
    """

    linked_account_id: str
    slug: str
    status: ConnectionStatus
    accounts: Sequence[Mapping[str, Any]] | None
    connected_at: datetime | None
    verified_at: datetime | None
    fresh_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredConfig:
    """A config as mirrored.

    Attributes:
        fields: field id to value. Values of password fields are never mirrored.
        workflows: id, name, enabled and field values of each.
        schema: what a form needs: `fields` and `workflows` with names, types and options.
        field_errors: what the customer has to mend.
    """

    linked_account_id: str
    slug: str
    config_id: str
    fields: Mapping[str, Any]
    workflows: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any]
    field_errors: Sequence[Mapping[str, Any]]
    status: ConfigStatus
    verified_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history: what changed, field by field from and to, when, and because of what."""

    number: int
    recorded_at: datetime
    what: RowKind
    linked_account_id: str | None
    slug: str | None
    config_id: str | None
    changes: Mapping[str, Any]
    because: Mapping[str, Any]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRuns:
    """How the runs of one workflow went for an account, as far as Cobalt told.

    Attributes:
        last_run_at: when the last of them was told.
        last_error: of the last one that errored, however long ago that is.
        completed: how many completed.
        errored: how many did not.
    """

    linked_account_id: str
    workflow_id: str
    config_id: str | None
    workflow_name: str | None
    last_status: str | None
    last_run_at: datetime
    last_error: str | None
    last_errored_at: datetime | None
    completed: int
    errored: int


def integrations(session: HostSession, linked_account_id: str) -> list[Integration]:
    """Every enabled application for one customer, by name; also for a customer that the mirror does not know yet."""
    found = []
    told = execute(session, _integrations(), {"account": linked_account_id})
    for row in told.mappings().all():
        values = _fresh(row, "connections")
        del values["status"]
        found.append(Integration(**{**values, "state": State(values["state"])}))
    return sorted(found, key=lambda one: (one.name.casefold(), one.slug))  # databases disagree about letters


def _state_of(status: ConnectionStatus) -> State:
    """What a page offers for a connection of this status; for an application without one, it offers to connect."""
    match status:
        case ConnectionStatus.CONNECTED:
            return State.CONNECTED
        case ConnectionStatus.REAUTH_REQUIRED:
            return State.RECONNECT
        case ConnectionStatus.DISCONNECTED:
            return State.CONNECT
    assert_never(status)


@functools.cache  # pages wait for it, and a quarter of their waiting was putting it together
def _integrations() -> Select[Any]:
    a, c = tables.applications, tables.connections
    state = case(
        *((c.c.status == status, _state_of(status).value) for status in ConnectionStatus),
        else_=State.CONNECT.value,
    )
    shown = [a.c.slug, a.c.name, a.c.icon, a.c.description, a.c.tags, a.c.auth_types]
    account = tables.linked_accounts.c
    asked: BindParameter[str] = bindparam("account")
    status = select(account.status).where(account.linked_account_id == asked).scalar_subquery()
    return (
        select(*shown, state.label("state"), c.c.connected_at, c.c.verified_at)
        .add_columns(*_doubts(asked, a.c.slug), status.label("status"))
        .select_from(a.outerjoin(c, and_(c.c.slug == a.c.slug, c.c.linked_account_id == asked)))
        .where(a.c.enabled)
    )


def find_account(session: HostSession, linked_account_id: str) -> MirroredAccount | None:
    """The account as mirrored; None when the mirror does not know it."""
    rows = _with_freshness(session, tables.linked_accounts, linked_account_id)
    return MirroredAccount(**rows[0]) if rows else None


def list_connections(session: HostSession, linked_account_id: str) -> list[MirroredConnection]:
    """The account's connections, by slug, those that were disconnected included."""
    return [MirroredConnection(**row) for row in _with_freshness(session, tables.connections, linked_account_id)]


def list_configs(session: HostSession, linked_account_id: str, *, slug: str | None = None) -> list[MirroredConfig]:
    """The account's configs, by slug and config id, those that were deleted included; of one application if named."""
    rows = [MirroredConfig(**row) for row in _rows(session, tables.configs, linked_account_id)]
    return [row for row in rows if slug is None or row.slug == slug]


def list_workflow_runs(session: HostSession, linked_account_id: str) -> list[WorkflowRuns]:
    """How the account's workflows ran, by workflow id; those of which Cobalt never told a run are not in it."""
    return [WorkflowRuns(**row) for row in _rows(session, tables.workflow_runs, linked_account_id)]


def list_history(session: HostSession, linked_account_id: str, *, limit: int = 100) -> list[Change]:
    """The latest changes of the account's mirror, newest first."""
    h = tables.history
    statement = select(h).where(h.c.linked_account_id == linked_account_id).order_by(h.c.number.desc()).limit(limit)
    return [Change(**_named(row)) for row in execute(session, statement).mappings()]


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
    return [EventState(**_named(row)) for row in execute(session, statement).mappings()]


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


def _rows(session: HostSession, table: Table, linked_account_id: str) -> list[dict[str, Any]]:
    statement = select(table).where(table.c.linked_account_id == linked_account_id).order_by(*table.primary_key.columns)
    return [_named(row) for row in execute(session, statement).mappings()]


def _with_freshness(session: HostSession, table: Table, linked_account_id: str) -> list[dict[str, Any]]:
    """The rows of an account, each with `fresh_at`."""
    statement = (
        select(table, *_doubts(table.c.linked_account_id, table.c.get("slug", literal(""))))
        .where(table.c.linked_account_id == linked_account_id)
        .order_by(*table.primary_key.columns)
    )
    compared = "connections" if table is tables.connections else "accounts"
    return [_fresh(row, compared) for row in execute(session, statement).mappings()]


def _doubts(account: ColumnElement[Any], slug: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The columns that tell how fresh a subject is: the last pass, and whether that left the subject in doubt."""
    s = tables.suspicions.c
    left = exists().where(
        s.linked_account_id == account,
        s.slug == slug,
        s.outcome == SuspicionOutcome.LEFT,
        s.kind != SuspicionKind.CONFIGS,
    )
    return select_last_pass().label("last_pass"), left.label("in_doubt")


#: Accounts of these statuses are not compared by a pass, nor are those that the mirror does not know.
_NOT_COMPARED = frozenset({AccountStatus.PENDING, AccountStatus.DELETED, None})


def _fresh(row: Mapping[Any, Any], compared: str) -> dict[str, Any]:
    """A row without the columns of `_doubts`, and with `fresh_at`."""
    values = _named(row)
    passed = getattr(read_last_pass(values.pop("last_pass")), compared)
    is_compared = not values.pop("in_doubt") and values["status"] not in _NOT_COMPARED
    moments = [values["verified_at"], passed if is_compared else None]
    return {**values, "fresh_at": max((one for one in moments if one is not None), default=None)}


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
