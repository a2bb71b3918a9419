"""Our statements in a transaction that another library than SQLAlchemy began, such as Django's: on its cursors.

So hosts of all kinds publish with the same INSERT, in `db.log`. The engine made here neither commits nor rolls back:
the transaction stays the host's.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Engine, Integer
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.pool import NullPool

from cobalt_mirror.db.engine import options_for
from cobalt_mirror.db.host_columns import read_json


class _Library:
    """What SQLAlchemy asks of a driver. No error is of its class, so a host gets the errors of its own library."""

    paramstyle = "format"
    sqlite_version_info = sqlite3.sqlite_version_info

    class Error(Exception):
        pass


class _Integer(Integer):
    """A whole number that says so: psycopg calls a small one a smallint, which not every function takes."""

    render_bind_cast = True


class _BigInteger(BigInteger):
    """A large whole number, likewise."""

    render_bind_cast = True


class _PostgreSQL(PGDialect):
    """PostgreSQL without a driver: every value goes out and comes in as the plain type, and JSON as text."""

    driver = "borrowed"
    supports_statement_cache = True
    colspecs = {**PGDialect.colspecs, Integer: _Integer, BigInteger: _BigInteger}  # noqa: RUF012 - SQLAlchemy's form

    @classmethod
    def import_dbapi(cls) -> Any:
        return _Library

    def initialize(self, connection: Any) -> None:
        """Ask nothing: it would be asked in the middle of a host's transaction."""


class _SQLite(SQLiteDialect):
    """SQLite without a driver, likewise."""

    driver = "borrowed"
    supports_statement_cache = True
    default_schema_name = "main"

    @classmethod
    def import_dbapi(cls) -> Any:
        return _Library

    def initialize(self, connection: Any) -> None:
        """Ask nothing."""


registry.register("postgresql.borrowed", __name__, _PostgreSQL.__name__)
registry.register("sqlite.borrowed", __name__, _SQLite.__name__)


class _Borrowed:
    """A connection that hands out cursors. Its transaction ends when the host ends it, and not before."""

    def __init__(self, cursor: Callable[[], Any]) -> None:
        self.cursor = cursor

    def commit(self) -> None:
        """Leave the transaction as it is."""

    rollback = close = commit


def borrowing_engine(dialect: str, schema: str, cursor: Callable[[], Any]) -> Engine:
    """Make an engine whose statements run on the cursors of another library's connection. It opens nothing.

    Args:
        dialect: one of `refused_sessions.DIALECTS`.
        schema: the PostgreSQL schema with our tables.
        cursor: makes a cursor on the transaction in progress. It takes parameters as `%s`, and has JSON as text.
    """
    return sqlalchemy_engine(
        f"{dialect}+borrowed://",
        creator=lambda: _Borrowed(cursor),
        poolclass=NullPool,
        paramstyle="format",
        hide_parameters=True,
        json_deserializer=read_json,
        execution_options=options_for(dialect, schema),
    )
