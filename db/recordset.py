"""Rows as one JSON parameter, so that PostgreSQL inserts any number of them beside another statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnClause, Integer, Table, TableValuedAlias, Text, bindparam, column, func, insert, select
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeEngine

from cobalt_mirror.db.columns import Json, UtcDateTime


def rows_of(table: Table, names: Sequence[str], *, parameter: str) -> TableValuedAlias:
    """Return rows for some columns of a table, out of a parameter that is a JSON list of objects.

    jsonb_to_recordset(:entries) AS new_changes (recorded_at timestamptz, type text, ...)

    Args:
        table: the table.
        names: the columns; each holds text, whole numbers, JSON or a time.
        parameter: the name of the parameter.
    """
    columns: list[ColumnClause[Any]] = [column(name, _type_of(table, name)) for name in names]
    rows = func.jsonb_to_recordset(bindparam(parameter, type_=Json())).table_valued(*columns)
    return rows.render_derived(name=f"new_{table.name}", with_types=True)


def insert_rows(table: Table, names: Sequence[str], *, parameter: str) -> Insert:
    """Return an INSERT for a WITH of a statement that is made anyway, so that it costs no round trip; see `rows_of`.

    INSERT INTO changes (...) SELECT row.* FROM jsonb_to_recordset(:entries) AS row (recorded_at timestamptz, ...)
    """
    rows = rows_of(table, names, parameter=parameter)
    return insert(table).from_select(list(names), select(*(rows.c[name] for name in names)))


def _type_of(table: Table, name: str) -> TypeEngine[Any]:
    declared = table.c[name].type
    return declared if isinstance(declared, UtcDateTime | Json | Integer) else Text()
