"""The history of the mirror: what changed, from what to what, when and because of what. Only this module writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, bindparam, func, literal_column, select, update

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.feed import INSERT_ENTRIES, as_json, record_entries
from cobalt_mirror.db.feed_entries import NewEntry
from cobalt_mirror.db.recordset import insert_rows
from cobalt_mirror.db.statuses import RowKind
from cobalt_mirror.db.tables import applications, configs, connections, history, linked_accounts

#: By the name of the table that changed.
_KINDS = {
    linked_accounts.name: RowKind.LINKED_ACCOUNT,
    connections.name: RowKind.CONNECTION,
    configs.name: RowKind.CONFIG,
    applications.name: RowKind.APPLICATION,
}
#: The columns whose values say nothing about a person.
_IMPERSONAL = frozenset({"status", "environment"})

_APPEND = history.insert().inline()  # the new row's number is of no use to a writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """What caused changes of the mirror: events, a check, a run. The history keeps it with each of them."""

    at: datetime
    cause: Mapping[str, Any]


#: Each column that changed, with its value before and after.
Changes = Mapping[str, Sequence[Any]]


class Changed(NamedTuple):
    """What changed in a row: its primary key (other columns may be among it), the columns, and what the feed says."""

    key: Mapping[str, Any]
    columns: Changes
    entries: Sequence[NewEntry] = ()


def record_history(connection: Connection, table: Table, changes: Sequence[Changed], because: Because) -> None:
    """Append what changed in rows of one table, and its entries of the feed: on PostgreSQL in one statement.

    Args:
        connection: the transaction that also changes the rows.
        table: one of the mirror's tables.
        changes: what changed in each row.
        because: what caused it.
    """
    if not changes:
        return
    rows = [_row(table, each, because) for each in changes]
    entries = [entry for each in changes for entry in each.entries]
    if entries and connection.dialect.name == "postgresql":
        plain = [{**row, "recorded_at": stored_time(because.at)} for row in rows]
        connection.execute(_append_both(), {"rows": plain, "entries": [as_json(e, at=because.at) for e in entries]})
        return
    connection.execute(_APPEND, rows if len(rows) > 1 else rows[0])
    record_entries(connection, entries, at=because.at)


@cache
def _append_both() -> Select[Any]:
    """WITH recorded AS (INSERT INTO history ...), told AS (INSERT INTO changes ...) SELECT 1"""
    names = [column.name for column in history.c if column.name != "number"]
    recorded = insert_rows(history, names, parameter="rows").cte("recorded")
    return select(literal_column("1")).add_cte(recorded, INSERT_ENTRIES.cte("told"))


def _row(table: Table, changed: Changed, because: Because) -> dict[str, Any]:
    key = changed.key
    return {
        "recorded_at": because.at,
        "what": _KINDS[table.name],
        "linked_account_id": key.get("linked_account_id"),
        "slug": key.get("slug"),
        "config_id": key.get("config_id"),
        "connection_id": key.get("connection_id") or None,
        "changes": {
            name: [_plain(before), _plain(after)]
            for name, (before, after) in changed.columns.items()
            if before is not None or after is not None  # a new row's columns without a value; two nulls mean: erased
        },
        "because": dict(because.cause),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def erase_values(connection: Connection, linked_account_id: str) -> None:
    """Take out of an account's history what may be personal. Which columns changed stays."""
    rows = connection.execute(
        select(history.c.number, history.c.changes).where(history.c.linked_account_id == linked_account_id)
    )
    bare = [
        {"number_": row.number, "changes": kept} for row in rows if (kept := without_values(row.changes)) != row.changes
    ]
    if bare:
        statement = update(history).where(history.c.number == bindparam("number_")).values(changes=bindparam("changes"))
        connection.execute(statement, bare)


def without_values(changes: Changes) -> dict[str, Sequence[Any]]:
    """Return the same changes, with the values of impersonal columns only."""
    return {name: values if name in _IMPERSONAL else [None, None] for name, values in changes.items()}


def find_last_change(connection: Connection, linked_account_id: str) -> int:
    """Find the number of the last entry in an account's history; 0: it has none."""
    number = select(func.max(history.c.number)).where(history.c.linked_account_id == linked_account_id)
    return connection.execute(number).scalar_one() or 0


def list_changed_subjects(connection: Connection, linked_account_id: str, *, after: int) -> set[str]:
    """List the slugs of an account whose mirror changed after an entry of its history; empty: the account itself."""
    h = history.c
    changed = select(h.slug).where(h.linked_account_id == linked_account_id, h.number > after).distinct()
    return {slug or "" for slug in connection.execute(changed).scalars()}
