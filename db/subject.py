"""What is known of a subject apart from its events, read in one statement, for every attempt begins with it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, bindparam, literal_column, select

from db.deletions import Deletion
from db.tables import checks, connections, deletions, linked_accounts
from db.work import Check

_TABLES = (linked_accounts, connections, deletions, checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The rows of a subject, each None if there is none.

    Attributes:
        account: the mirror's row of the account.
        connection: the mirror's row of the connection; None for the account itself.
        deletion: the receipt of the account's last deletion.
        check: the wish to have the subject read.
    """

    account: Mapping[str, Any] | None
    connection: Mapping[str, Any] | None
    deletion: Deletion | None
    check: Check | None


def _statement() -> Select[Any]:
    """One row, whatever is there: each table is joined by its primary key, which is the subject or its account."""
    keys: dict[str, Any] = {"linked_account_id": bindparam("account"), "slug": bindparam("slug")}
    joined: Any = select(literal_column("1").label("one")).subquery("subject")
    for table in _TABLES:
        joined = joined.outerjoin(table, and_(*(column == keys[column.name] for column in table.primary_key)))
    return select(*(column.label(_label(table, column.name)) for table in _TABLES for column in table.c)).select_from(
        joined
    )


def _label(table: Table, column: str) -> str:
    return f"{table.name}__{column}"


_BACKGROUND = _statement()


def get_background(connection: Connection, linked_account_id: str, slug: str) -> Background:
    """What is known of a subject. The empty slug is the account itself."""
    row = connection.execute(_BACKGROUND, {"account": linked_account_id, "slug": slug}).mappings().one()
    account, connected, deletion, check = (_part(row, table) for table in _TABLES)
    return Background(
        account=account,
        connection=connected,
        deletion=None
        if deletion is None
        else Deletion(**{each.name: deletion[each.name] for each in fields(Deletion)}),
        check=None if check is None else Check(**{each.name: check[each.name] for each in fields(Check)}),
    )


def _part(row: Mapping[Any, Any], table: Table) -> dict[str, Any] | None:
    if row[_label(table, "linked_account_id")] is None:
        return None
    return {column.name: row[_label(table, column.name)] for column in table.c}
