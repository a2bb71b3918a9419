"""The history of the mirror: what changed, from what to what, when and because of what. Only this module writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select, update

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


def record_history(
    connection: Connection, table: Table, changes: Sequence[tuple[Mapping[str, Any], Changes]], because: Because
) -> None:
    """Append what changed in rows of one table.

    Args:
        connection: the transaction that also changes the rows.
        table: one of the mirror's tables.
        changes: for each row, its primary key (other columns may be among it) and what changed.
        because: what caused it.
    """
    entries = [
        {
            "recorded_at": because.at,
            "what": _KINDS[table.name],
            "linked_account_id": key.get("linked_account_id"),
            "slug": key.get("slug"),
            "config_id": key.get("config_id"),
            "connection_id": key.get("connection_id") or None,
            "changes": {name: [_plain(before), _plain(after)] for name, (before, after) in changed.items()},
            "because": dict(because.cause),
        }
        for key, changed in changes
    ]
    if entries:
        connection.execute(_APPEND, entries if len(entries) > 1 else entries[0])


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
