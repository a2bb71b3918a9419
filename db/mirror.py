"""Writes what Cobalt said into the mirror, and every real change of it into the history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cobalt_mirror.db.engine import upsert
from cobalt_mirror.db.rows import AccountRow, Change, ConfigRow, ConnectionRow
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, RowKind
from cobalt_mirror.db.tables import applications, configs, connections, history, linked_accounts

#: What a history row is about, by table.
_KINDS = {
    linked_accounts.name: RowKind.LINKED_ACCOUNT,
    connections.name: RowKind.CONNECTION,
    configs.name: RowKind.CONFIG,
    applications.name: RowKind.APPLICATION,
}

_INSTALLED = (
    select(configs)
    .where(
        configs.c.linked_account_id == bindparam("account"),
        configs.c.slug == bindparam("slug"),
        configs.c.status == ConfigStatus.INSTALLED,
    )
    .order_by(configs.c.config_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """What caused changes of the mirror: events, a check, a run. It is noted in the history."""

    at: datetime
    cause: Mapping[str, Any]


#: Rows of the mirror by table and primary key.
Rows: TypeAlias = dict[tuple[str, ...], Mapping[str, Any]]


def rows_by_key(table: Table, rows: Iterable[Mapping[str, Any] | None]) -> Rows:
    """Those of a table that there are."""
    return {_key(table, row): row for row in rows if row is not None}


def record_row(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    because: Because,
    *,
    known: Rows | None = None,
) -> bool:
    """Make one row of the mirror equal to `values`; columns left out keep what they have.

    The row counts as verified at `because.at`, changed or not.

    Args:
        connection: a transaction.
        table: one of the mirror's tables.
        values: the primary key and what is known.
        because: what it is recorded for.
        known: rows that nobody else can change meanwhile, which need not be read again; this one is kept up to date.

    Returns:
        Whether anything but that time changed.
    """
    known = {} if known is None else known
    key, row = _key(table, values), {**values, "verified_at": because.at}
    before = known.get(key)
    if before is None and not _is_new(connection, table, row):
        before = find_row(connection, table, values)
    changes = {
        name: [_plain(None if before is None else before[name]), _plain(value)]
        for name, value in values.items()
        if not table.c[name].primary_key and (before is None or before[name] != value)
    }
    if before is not None:
        upsert(connection, table, row)
        known[key] = {**before, **row}
    if changes:
        record_history(connection, table, values, changes, because)
    return bool(changes)


def record_change(connection: Connection, change: Change, because: Because, *, known: Rows | None = None) -> bool:
    """Make one row of the mirror hold what a change says; see `record_row`."""
    return record_row(connection, change.table, {**change.key, **change.columns}, because, known=known)


def _is_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row, if there is none with its key."""
    return connection.execute(_insert(connection.dialect.name, table), dict(row)).rowcount == 1


@cache
def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.on_conflict_do_nothing()


def _key(table: Table, row: Mapping[str, Any]) -> tuple[str, ...]:
    return table.name, *(row[column.name] for column in table.primary_key)


def find_row(connection: Connection, table: Table, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of the mirror with the primary key that is among `key`."""
    wanted = {column.name: key[column.name] for column in table.primary_key}
    row = connection.execute(_by_key(table), wanted).mappings().one_or_none()
    return None if row is None else {str(name): value for name, value in row.items()}


@cache
def _by_key(table: Table) -> Select[Any]:
    """Put together once for each table, for every attempt asks for several rows."""
    return select(table).where(*(column == bindparam(column.name) for column in table.primary_key))


def find_account_row(connection: Connection, linked_account_id: str) -> AccountRow | None:
    """Find the mirror's row of an account."""
    row = find_row(connection, linked_accounts, {"linked_account_id": linked_account_id})
    return None if row is None else AccountRow.from_columns(row)


def find_connection_row(connection: Connection, linked_account_id: str, slug: str) -> ConnectionRow | None:
    """Find the mirror's row of a connection."""
    row = find_row(connection, connections, {"linked_account_id": linked_account_id, "slug": slug})
    return None if row is None else ConnectionRow.from_columns(row)


def find_configs(connection: Connection, linked_account_id: str, slug: str) -> list[ConfigRow]:
    """Find the installed configs of a connection, as mirrored."""
    rows = connection.execute(_INSTALLED, {"account": linked_account_id, "slug": slug}).mappings()
    return [ConfigRow.from_columns(dict(row)) for row in rows]


def find_active_account(connection: Connection) -> str | None:
    """Some account that Cobalt knows, the one that was seen last: the catalogue is only shown through an account."""
    statement = (
        select(linked_accounts.c.linked_account_id)
        .where(linked_accounts.c.status == AccountStatus.ACTIVE)
        .order_by(linked_accounts.c.verified_at.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def count_catalogue(connection: Connection) -> tuple[int, datetime | None]:
    """How many applications customers can connect, and when the last of them was read; None: never."""
    a = applications.c
    counted = select(func.count(), func.max(a.verified_at, type_=a.verified_at.type)).where(a.enabled)
    number, read_at = connection.execute(counted).one()
    return number, read_at


def record_catalogue(connection: Connection, rows: Sequence[Mapping[str, Any]], because: Because) -> None:
    """Make `applications` equal to what Cobalt lists. One that is listed no more is kept, and not enabled."""
    known = rows_by_key(applications, [dict(row) for row in connection.execute(select(applications)).mappings()])
    kept = [row for row in known.values() if row["enabled"]]
    for row in rows:
        record_row(connection, applications, {**row, "enabled": True}, because, known=known)
    listed = {row["slug"] for row in rows}
    for row in kept:
        if row["slug"] not in listed:
            record_row(connection, applications, {**row, "enabled": False}, because, known=known)


def record_history(
    connection: Connection, table: Table, key: Mapping[str, Any], changes: Mapping[str, Any], because: Because
) -> None:
    """Append what changed, from what to what, when and because of what."""
    row = {
        "recorded_at": because.at,
        "what": _KINDS[table.name],
        "linked_account_id": key.get("linked_account_id"),
        "slug": key.get("slug"),
        "config_id": key.get("config_id"),
        "changes": dict(changes),
        "because": dict(because.cause),
    }
    connection.execute(_APPEND, row)


_APPEND = history.insert().inline()  # nobody asks for the new row's number


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
