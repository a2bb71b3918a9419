"""What an attempt begins with, in as few statements as can be: an attempt's time is nearly all spent on statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Label,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.engine import Clock, time_by, time_column
from cobalt_mirror.db.log import EVENT_COLUMNS, LoggedEvent, get_since_first_pending, is_since_first_pending
from cobalt_mirror.db.mirror import Rows, rows_by_key
from cobalt_mirror.db.outcomes import NOT_ENDED
from cobalt_mirror.db.pauses import Pause, pauses_of
from cobalt_mirror.db.rows import AccountRow, ConfigRow, ConnectionRow
from cobalt_mirror.db.state import Standing, standing_of
from cobalt_mirror.db.statuses import ConfigStatus, StateKey
from cobalt_mirror.db.tables import (
    applications,
    checks,
    configs,
    connections,
    deletions,
    denials,
    events,
    is_unfinished,
    linked_accounts,
    state,
)

#: What any subject may have a row of.
_TABLES = (linked_accounts, deletions, checks, denials)
_ACCOUNT: BindParameter[str] = bindparam("account")


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSubject:
    """A subject to work on.

    Attributes:
        slug: the application; empty: the account itself.
        is_only: nothing else of the account is due.
        account_waits: events of the account itself are pending, due or not.
    """

    slug: str
    is_only: bool
    account_waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What decides whether there is an attempt, and at what.

    Attributes:
        now: the time.
        standing: whether calls may be made.
        pauses: what the operator has stopped.
        due: the account's subject to work on next: the account itself first, else what is due the longest.
    """

    now: datetime
    standing: Standing
    pauses: Sequence[Pause]
    due: DueSubject | None


@cache
def _opening(dialect: str) -> Select[Any]:
    """Select a row for each subject with work, due or not, and at least one row; the other columns are equal in all."""
    first_due = func.min(events.c.due_at, type_=events.c.due_at.type)
    waiting = union_all(
        select(events.c.slug, first_due.label("due_at"), true().label("is_event"))
        .where(events.c.linked_account_id == _ACCOUNT, is_unfinished, *NOT_ENDED)
        .group_by(events.c.slug),
        select(checks.c.slug, checks.c.due_at, false()).where(checks.c.linked_account_id == _ACCOUNT),
    ).subquery("waiting")
    halted, environment, paused = state.alias("halted"), state.alias("environment"), state.alias("paused")
    joined = (
        select(literal_column("1").label("always"))
        .subquery("installation")
        .outerjoin(halted, halted.c.key == StateKey.HALTED)
        .outerjoin(environment, environment.c.key == StateKey.ENVIRONMENT)
        .outerjoin(paused, paused.c.key == StateKey.PAUSES)
        .outerjoin(waiting, true())
    )
    return select(
        time_column(dialect),
        halted.c.value.label("halted"),
        environment.c.value.label("environment"),
        paused.c.value.label("paused"),
        waiting.c.slug,
        waiting.c.due_at,
        waiting.c.is_event,
    ).select_from(joined)


def get_opening(connection: Connection, linked_account_id: str, clock: Clock) -> Opening:
    """Read whether there is something to do for an account."""
    rows = connection.execute(_opening(connection.dialect.name), {"account": linked_account_id}).all()
    now = time_by(clock, connection, now=rows[0].now)
    waiting = [Waiting(row.slug or "", row.due_at, is_event=row.is_event) for row in rows if row.due_at is not None]
    return Opening(
        now=now,
        standing=standing_of(rows[0].halted, rows[0].environment),
        pauses=[pause for pause in pauses_of(rows[0].paused) if pause.is_in_force(now)],
        due=choose_subject(waiting, now),
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """The events of a subject that wait, or its check, and when the first of them is due."""

    slug: str
    due_at: datetime
    is_event: bool


def choose_subject(waiting: Sequence[Waiting], now: datetime) -> DueSubject | None:
    """Choose the account's subject to work on: the account itself first, else what is due the longest."""
    due = sorted((bool(each.slug), each.due_at, each.slug) for each in waiting if each.due_at <= now)
    if not due:
        return None
    return DueSubject(
        slug=due[0][2],
        is_only=len({slug for _, _, slug in due}) == 1,
        account_waits=any(each.is_event and not each.slug for each in waiting),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The rows of a subject, each None if there is none.

    Attributes:
        account: the mirror's row of the account.
        has_multi_auth: whether an account may hold several connections to the application; None: the catalogue does not
            have it, or this is the account itself.
        app_id: the application's id in the catalogue; None: not known, or this is the account itself.
        is_listed: whether the catalogue shows the application as one that customers can connect; None: it has never
            shown it, or this is the account itself.
        connection: the mirror's row of the connection; None for the account itself.
        configs: the mirror's installed configs of the connection, by their ids.
        deletion: the receipt of the account's last deletion.
        denied_since: since when Cobalt says that it does not have the account; None: it does not say so.
        check: the subject's check.
        events: those of the subject, chosen as `get_since_first_pending` does for a connection.
        rows: the mirror's rows again, as `record_change` compares with them.
    """

    account: AccountRow | None
    has_multi_auth: bool | None
    app_id: str | None
    is_listed: bool | None
    connection: ConnectionRow | None
    configs: Sequence[ConfigRow]
    deletion: Deletion | None
    denied_since: datetime | None
    check: Check | None
    events: Sequence[LoggedEvent]
    rows: Rows


def _statement(*, of_connection: bool) -> Select[Any]:
    """Join all that is known of a subject: each table by its primary key, which is the subject or its account.

    A connection has a row for each of its installed configs, the account itself one for each of its events; each has at
    least one row.
    """
    keys: dict[str, Any] = {"linked_account_id": _ACCOUNT, "slug": bindparam("slug")}
    tables = (*_TABLES, connections) if of_connection else _TABLES
    joined: Any = select(literal_column("1").label("always")).subquery("subject")
    for table in tables:
        joined = joined.outerjoin(table, and_(*(column == keys[column.name] for column in table.primary_key)))
    if of_connection:
        is_its = (configs.c.linked_account_id == _ACCOUNT, configs.c.slug == keys["slug"])
        joined = joined.outerjoin(configs, and_(*is_its, configs.c.status == ConfigStatus.INSTALLED))
        joined = joined.outerjoin(applications, applications.c.slug == keys["slug"])
        of_application = (applications.c.has_multi_auth, applications.c.app_id, applications.c.enabled)
        columns = _labelled_columns(*tables, configs).add_columns(*of_application)
        return columns.select_from(joined).order_by(configs.c.config_id, configs.c.connection_id)
    joined = joined.outerjoin(events, is_since_first_pending(of_slug=False))
    return _labelled_columns(*tables).add_columns(*(_labelled(column) for column in EVENT_COLUMNS)).select_from(joined)


def _labelled_columns(*tables: Table) -> Select[Any]:
    return select(*(_labelled(column) for table in tables for column in table.c))


def _labelled(column: Column[Any]) -> Label[Any]:
    return column.label(_label(column.table, column.name))


def _label(table: Table, column: str) -> str:
    return f"{table.name}__{column}"


#: Built once, for every attempt asks: of a connection (True), and of the account itself.
_BACKGROUND = {of_connection: _statement(of_connection=of_connection) for of_connection in (True, False)}


def get_background(connection: Connection, linked_account_id: str, slug: str) -> Background:
    """Read what is known of a subject. The empty slug is the account itself."""
    key = {"account": linked_account_id, "slug": slug}
    rows = connection.execute(_BACKGROUND[bool(slug)], key).mappings().all()
    account, deletion, check, denial = (_part(rows[0], table) for table in _TABLES)
    linked = _part(rows[0], connections) if slug else None
    installed = [config for row in rows if slug and (config := _part(row, configs)) is not None]
    return Background(
        account=None if account is None else AccountRow.from_columns(account),
        has_multi_auth=rows[0]["has_multi_auth"] if slug else None,
        app_id=rows[0]["app_id"] if slug else None,
        is_listed=rows[0]["enabled"] if slug else None,
        connection=None if linked is None else ConnectionRow.from_columns(linked),
        configs=[ConfigRow.from_columns(config) for config in installed],
        deletion=None
        if deletion is None
        else Deletion(**{each.name: deletion[each.name] for each in fields(Deletion)}),
        denied_since=None if denial is None else denial["since"],
        check=None if check is None else Check.from_columns(check),
        events=get_since_first_pending(connection, linked_account_id, slug) if slug else _events_in(rows),
        rows=rows_by_key(linked_accounts, [account])
        | rows_by_key(connections, [linked])
        | rows_by_key(configs, installed),
    )


def _events_in(rows: Sequence[Mapping[Any, Any]]) -> list[LoggedEvent]:
    columns = ({column.name: row[_label(events, column.name)] for column in EVENT_COLUMNS} for row in rows)
    logged = (LoggedEvent.from_columns(each) for each in columns if each["id"] is not None)
    return sorted(logged, key=lambda event: event.order)


def _part(row: Mapping[Any, Any], table: Table) -> dict[str, Any] | None:
    if row[_label(table, "linked_account_id")] is None:
        return None
    return {column.name: row[_label(table, column.name)] for column in table.c}
