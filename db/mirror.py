"""The mirror: what Cobalt said. Only this module writes its four tables, each change also into history and feed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Select, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cobalt_mirror.db.engine import Clock, insert_into, upsert
from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.feed_entries import entries_of
from cobalt_mirror.db.history import Because, Changed, record_history
from cobalt_mirror.db.rows import AccountRow, Change, ConfigRow, ConnectionRow
from cobalt_mirror.db.state import find_catalogue_due, record_catalogue_due
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus
from cobalt_mirror.db.tables import applications, configs, connections, denials, linked_accounts

_INSTALLED = (
    select(configs)
    .where(
        configs.c.linked_account_id == bindparam("account"),
        configs.c.slug == bindparam("slug"),
        configs.c.status == ConfigStatus.INSTALLED,
    )
    .order_by(configs.c.config_id, configs.c.connection_id)
)
#: How soon the catalogue is read again when that failed.
CATALOGUE_RETRY_AFTER = timedelta(seconds=10)

#: Rows of the mirror by table and primary key.
Rows: TypeAlias = dict[tuple[str, ...], Mapping[str, Any]]


class Recorded(NamedTuple):
    """What became of a row of the mirror.

    Attributes:
        before: the row as it was, also one that `known` did not have; None: there was none.
        is_changed: whether anything but `verified_at` changed.
    """

    before: Mapping[str, Any] | None
    is_changed: bool


def rows_by_key(table: Table, rows: Iterable[Mapping[str, Any] | None]) -> Rows:
    """Index rows of a table by table and primary key, without those that are None."""
    return {_key(table, row): row for row in rows if row is not None}


def record_row(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any],
    because: Because,
    *,
    known: Rows | None = None,
) -> Recorded:
    """Make a row of the mirror equal to `values`; columns left out keep what they have.

    The row counts as verified at `because.at`, changed or not.

    Args:
        connection: a transaction.
        table: one of the mirror's tables.
        values: the primary key and what is known.
        because: what it is recorded for.
        known: rows that no other process can change meanwhile, so they need not be read again. It is kept up to date.

    Returns:
        What became of the row.
    """
    known = {} if known is None else known
    key, row = _key(table, values), {**values, "verified_at": because.at}
    before = known.get(key)
    if before is None and not _is_new(connection, table, row):
        before = find_row(connection, table, values)
    changes = {
        name: [None if before is None else before[name], value]
        for name, value in values.items()
        if not table.c[name].primary_key and (before is None or not is_same(before[name], value))
    }
    if before is not None:
        upsert(connection, table, row)
        known[key] = {**before, **row}
    if changes:
        after = values if before is None else {**before, **values}
        record_history(connection, table, [Changed(values, changes, entries_of(table, before, after))], because)
    return Recorded(before=before, is_changed=bool(changes))


def record_change(connection: Connection, change: Change, because: Because, *, known: Rows | None = None) -> Recorded:
    """Make a row of the mirror hold what a change says; see `record_row`."""
    return record_row(connection, change.table, {**change.key, **change.columns}, because, known=known)


def _is_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row if its key is free, and tell whether it was."""
    return connection.execute(_insert(connection.dialect.name, table), dict(row)).rowcount == 1


@cache
def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return statement.on_conflict_do_nothing()


def _key(table: Table, row: Mapping[str, Any]) -> tuple[str, ...]:
    return table.name, *(row[column.name] for column in table.primary_key)


def adopt(
    connection: Connection,
    accounts: Sequence[Mapping[str, Any]],
    connected: Mapping[str, Sequence[Mapping[str, Any]]],
    because: Because,
) -> int:
    """Insert accounts that the mirror does not know, with their connections; any row that is there stays as it is.

    Args:
        connection: the transaction.
        accounts: rows for `linked_accounts`, with equal columns.
        connected: rows for `connections` by account.
        because: what the history says of it.

    Returns:
        How many accounts were new.
    """
    new = _insert_new(connection, linked_accounts, accounts, because)
    rows = [row for account in new for row in connected.get(account["linked_account_id"], ())]
    _insert_new(connection, connections, rows, because)
    return len(new)


def _insert_new(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], because: Because
) -> list[Mapping[str, Any]]:
    """Insert those rows whose key is free, and return them."""
    if not rows:
        return []
    keys = [column.name for column in table.primary_key]
    statement = insert_into(connection, table).on_conflict_do_nothing().returning(*table.primary_key)
    inserted = {tuple(row) for row in connection.execute(statement, list(rows))}
    new = [row for row in rows if tuple(row[key] for key in keys) in inserted]
    changes = [
        Changed(
            row,
            {name: [None, value] for name, value in row.items() if name not in keys},
            entries_of(table, None, row),
        )
        for row in new
    ]
    record_history(connection, table, changes, because)
    return new


#: What is left of a connection and of a config whose account is gone for good.
_ENDED: Mapping[Table, Mapping[str, Any]] = {
    connections: {"status": ConnectionStatus.DISCONNECTED, "accounts": [], "connected_at": None},
    configs: {"status": ConfigStatus.DELETED, "fields": {}, "workflows": [], "schema": {}, "field_errors": []},
}


def end_account(connection: Connection, linked_account_id: str, because: Because) -> None:
    """Record that an account is gone for good with all it had, also if the mirror never knew it.

    History and feed get the statuses only: nothing personal.
    """
    key = {"linked_account_id": linked_account_id}
    before = find_row(connection, linked_accounts, key)
    gone = {"name": None, "udf": None, "status": AccountStatus.DELETED, "verified_at": because.at}
    upsert(connection, linked_accounts, {**key, **gone})
    if before is None or before["status"] is not AccountStatus.DELETED:
        status = [None if before is None else before["status"], AccountStatus.DELETED]
        entries = entries_of(linked_accounts, before, {**key, **gone})
        record_history(connection, linked_accounts, [Changed(key, {"status": status}, entries)], because)
    for table, left in _ENDED.items():
        is_its = table.c.linked_account_id == linked_account_id
        columns = [*table.primary_key, table.c.status, *([table.c.accounts] if table is connections else [])]
        rows = connection.execute(select(*columns).where(is_its, table.c.status != left["status"])).mappings().all()
        changes = [_ended(table, {str(name): value for name, value in row.items()}, left["status"]) for row in rows]
        record_history(connection, table, changes, because)
        connection.execute(update(table).where(is_its).values(**left, verified_at=because.at))


def _ended(table: Table, row: Mapping[str, Any], status: Any) -> Changed:
    entries = entries_of(table, row, {**row, "status": status})
    return Changed(row, {"status": [row["status"], status]}, entries)


def find_row(connection: Connection, table: Table, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the row of the mirror with the primary key that is among `key`."""
    wanted = {column.name: key[column.name] for column in table.primary_key}
    row = connection.execute(_by_key(table), wanted).mappings().one_or_none()
    return None if row is None else {str(name): value for name, value in row.items()}


@cache
def _by_key(table: Table) -> Select[Any]:
    """Build the statement once for each table, for every attempt asks for several rows."""
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
    """Find the account that Cobalt confirmed last: it shows the catalogue only through an account."""
    statement = (
        select(linked_accounts.c.linked_account_id)
        .where(linked_accounts.c.status == AccountStatus.ACTIVE)
        .where(linked_accounts.c.linked_account_id.not_in(select(denials.c.linked_account_id)))
        .order_by(linked_accounts.c.verified_at.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def find_slugs(connection: Connection) -> dict[str, str]:
    """Find the slugs of all applications that were ever in the catalogue, by `app_id`.

    Where one has had two slugs, the one that customers can connect now counts.
    """
    a = applications.c
    rows = connection.execute(select(a.app_id, a.slug).where(a.app_id.is_not(None)).order_by(a.enabled, a.slug))
    return {row.app_id: row.slug for row in rows}


def find_app_id(connection: Connection, slug: str) -> str | None:
    """Find the `app_id` of an application; None: not known."""
    return connection.execute(select(applications.c.app_id).where(applications.c.slug == slug)).scalar_one_or_none()


def count_accounts(connection: Connection) -> int:
    """Count the accounts that the mirror takes for active at Cobalt."""
    active = linked_accounts.c.status == AccountStatus.ACTIVE
    return connection.execute(select(func.count()).select_from(linked_accounts).where(active)).scalar_one()


def count_catalogue(connection: Connection) -> tuple[int, datetime | None]:
    """Count the applications that customers can connect, and find when the last of them was read; None: never."""
    a = applications.c
    counted = select(func.count(), func.max(a.verified_at, type_=a.verified_at.type)).where(a.enabled)
    number, read_at = connection.execute(counted).one()
    return number, read_at


def claim_catalogue_refresh(connection: Connection, clock: Clock) -> bool:
    """Return whether the catalogue is due; if so, put it off, so that one caller only gets True."""
    now, due = clock(connection), find_catalogue_due(connection)
    if (due is not None and due > now) or find_active_account(connection) is None:
        return False
    record_catalogue_due(connection, now + CATALOGUE_RETRY_AFTER)
    return True


def find_enabled(connection: Connection) -> set[str]:
    """Find the slugs of the applications that customers can connect."""
    return set(connection.execute(select(applications.c.slug).where(applications.c.enabled)).scalars())


def record_catalogue(
    connection: Connection, rows: Sequence[Mapping[str, Any]], because: Because, *, doubted: Collection[str] = ()
) -> None:
    """Make `applications` equal to what Cobalt lists. An application that is no longer listed stays, disabled.

    Args:
        connection: the transaction.
        rows: what Cobalt lists.
        because: what it is recorded for.
        doubted: the slugs of applications that it does not list and that stay as they are, for it may be wrong.
    """
    known = rows_by_key(applications, [dict(row) for row in connection.execute(select(applications)).mappings()])
    kept = [row for row in known.values() if row["enabled"]]
    for row in rows:
        record_row(connection, applications, {**row, "enabled": True}, because, known=known)
    listed = {row["slug"] for row in rows}
    for row in kept:
        if row["slug"] not in listed and row["slug"] not in doubted:
            record_row(connection, applications, {**row, "enabled": False}, because, known=known)
