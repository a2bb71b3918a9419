"""Rows that tests put into the database themselves."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Table

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def add(engine: Engine, table: Table, *rows: dict[str, Any]) -> None:
    """Insert rows into a table."""
    with engine.begin() as connection:
        for row in rows:
            connection.execute(table.insert().values(**row))
