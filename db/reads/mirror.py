"""The mirror of one customer: the account, its connections, configs and workflow runs, and their history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, literal, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.reads.freshness import by_name, doubts, with_fresh_at
from cobalt_mirror.db.statuses import (
    AccountStatus,
    ConfigStatus,
    ConnectionStatus,
    RowKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MirroredAccount:
    """A linked account as mirrored.

    Attributes:
        verified_at: when Cobalt was last asked about this account itself; None: never.
        fresh_at: when the row is known to have agreed with Cobalt: the later of `verified_at` and the start of the
            last complete reconciliation, unless that left the row in doubt. None: not known.
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
        accounts: identifier, auth_type, connected_at and status of each connected account; where the application holds
            several connections, also connection_id, auth_profile_id, auth_profile_name and user_defined_fields. None:
            not known, for only Cobalt's listing was seen so far.
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
        connection_id: the connection that it sets up, where the application holds several; else empty.
        fields: field id to value. Values of password fields are never mirrored.
        workflows: id, name, enabled and field values of each.
        schema: what a form needs: `fields` and `workflows` with names, types and options.
        field_errors: what the customer has to mend.
    """

    linked_account_id: str
    slug: str
    config_id: str
    connection_id: str
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
    connection_id: str | None
    changes: Mapping[str, Any]
    because: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRuns:
    """How the runs of one workflow went for an account, as far as Cobalt notified us.

    Attributes:
        last_run_at: when the notification of the last run came.
        last_error: of the last run that failed, however long ago that is.
        completed: how many completed.
        errored: how many failed.
        stopped: how many were stopped.
        timed_out: how many took too long.
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
    stopped: int
    timed_out: int


def find_account(session: HostSession, linked_account_id: str) -> MirroredAccount | None:
    """Find the account as mirrored; None: the mirror does not know it."""
    rows = _with_freshness(session, tables.linked_accounts, linked_account_id)
    return MirroredAccount(**rows[0]) if rows else None


def list_connections(session: HostSession, linked_account_id: str) -> list[MirroredConnection]:
    """List the account's connections by slug, including those that are disconnected."""
    return [MirroredConnection(**row) for row in _with_freshness(session, tables.connections, linked_account_id)]


def list_configs(session: HostSession, linked_account_id: str, *, slug: str | None = None) -> list[MirroredConfig]:
    """List the account's configs by slug and id, including those that are deleted; of one application if named."""
    rows = [MirroredConfig(**row) for row in _rows(session, tables.configs, linked_account_id)]
    return [row for row in rows if slug is None or row.slug == slug]


def list_workflow_runs(session: HostSession, linked_account_id: str) -> list[WorkflowRuns]:
    """List how the account's workflows ran, by workflow id, as far as Cobalt notified us."""
    return [WorkflowRuns(**row) for row in _rows(session, tables.workflow_runs, linked_account_id)]


def list_history(
    session: HostSession, linked_account_id: str, *, limit: int = 100, before: int | None = None
) -> list[Change]:
    """List the latest changes of the account's mirror, newest first.

    Args:
        session: your session or connection.
        linked_account_id: the account.
        limit: the most changes.
        before: only those with a lower `number` than this, such as that of the last one you have; None: the latest.
    """
    h = tables.history
    statement = select(h).where(h.c.linked_account_id == linked_account_id).order_by(h.c.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(h.c.number < before)
    return [Change(**by_name(row)) for row in execute(session, statement).mappings()]


def _rows(session: HostSession, table: Table, linked_account_id: str) -> list[dict[str, Any]]:
    statement = select(table).where(table.c.linked_account_id == linked_account_id).order_by(*table.primary_key.columns)
    return [by_name(row) for row in execute(session, statement).mappings()]


def _with_freshness(session: HostSession, table: Table, linked_account_id: str) -> list[dict[str, Any]]:
    """Read the rows of an account, each with `fresh_at`."""
    statement = (
        select(table, *doubts(table.c.linked_account_id, table.c.get("slug", literal(""))))
        .where(table.c.linked_account_id == linked_account_id)
        .order_by(*table.primary_key.columns)
    )
    compared = "connections" if table is tables.connections else "accounts"
    return [with_fresh_at(row, compared) for row in execute(session, statement).mappings()]
