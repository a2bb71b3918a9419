"""A peek: the cheapest question that finds new work. A relay at rest asks it 66 times a second.

It goes past SQLAlchemy, and is in no transaction: see docs/decisions/0015-peeks-find-new-work.md for what that saves.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.engine import schema_of

#: Reads two indexes, `ix_events_due` and `ix_checks_due_at`, from the horizon up to now: a few entries at the most.
_QUERY = """
SELECT EXISTS (SELECT 1 FROM {schema}events WHERE status = 'pending' AND due_at >= {since} AND due_at <= {now})
    OR EXISTS (SELECT 1 FROM {schema}checks WHERE due_at >= {since} AND due_at <= {now})
"""
#: The time of the statement: unlike `clock_timestamp()`, PostgreSQL reads an index up to it.
_POSTGRESQL_NOW = "statement_timestamp()"
#: In the form of the columns; at most a millisecond early, as SQLite tells no less.
_SQLITE_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
#: The name of the prepared statement, on the server and in what SQLAlchemy keeps with a connection.
_NAME = "cobalt_mirror_peek"
#: PostgreSQL's `invalid_sql_statement_name`: psycopg drops all that is prepared when it rolls back. See libpq for `C`.
_NOT_PREPARED, _SQLSTATE = b"26000", ord("C")

Ask = Callable[[], bool]


def query_for(dialect: str, schema: str) -> str:
    """Return the question as the driver of a dialect takes it, with the earliest due time as its only parameter."""
    if dialect == "sqlite":
        return _QUERY.format(schema="", since="?1", now=_SQLITE_NOW)
    return _QUERY.format(schema=f"{schema}.", since="$1::timestamptz", now=_POSTGRESQL_NOW)


@contextmanager
def peeking(engine: Engine, since: datetime) -> Iterator[Ask]:
    """Take a connection for a while, and yield a question: is anything due that became due at `since` or later?

    Raises:
        OperationalError: the database fails, at the beginning or when it is asked.
    """
    is_sqlite = engine.dialect.name == "sqlite"  # it is in no transaction before our BEGIN
    failures = (engine.dialect.loaded_dbapi.Error, MemoryError)  # the latter if libpq cannot even send
    try:
        with (engine if is_sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")).connect() as connection:
            try:
                yield _ask_sqlite(connection, since) if is_sqlite else _ask_postgresql(connection, since)
            except failures:
                connection.invalidate()
                raise
    except failures as error:
        raise OperationalError("a peek", None, error) from error


def _ask_sqlite(connection: Connection, since: datetime) -> Ask:
    cursor: Any = connection.connection.cursor()
    query, parameters = query_for("sqlite", ""), (stored_time(since),)
    return lambda: bool(cursor.execute(query, parameters).fetchone()[0])


def _ask_postgresql(connection: Connection, since: datetime) -> Ask:
    """Ask by libpq itself, as psycopg documents it: its cursor takes four times as much of the processor."""
    driver: Any = connection.connection.driver_connection
    query = query_for("postgresql", schema_of(connection)).encode()
    parameters = [(stored_time(since) or "").encode()]
    is_preparing = driver.prepare_threshold is not None

    def execute() -> Any:
        if not is_preparing:
            return driver.pgconn.exec_params(query, parameters)
        if _NAME not in connection.info:
            driver.pgconn.prepare(_NAME.encode(), query)
            connection.info[_NAME] = True
        return driver.pgconn.exec_prepared(_NAME.encode(), parameters)

    def ask() -> bool:
        result = execute()
        if result.error_field(_SQLSTATE) == _NOT_PREPARED:
            del connection.info[_NAME]
            result = execute()
        value = result.get_value(0, 0)
        if value is None:  # an error, as libpq has it
            raise connection.dialect.loaded_dbapi.OperationalError(result.error_message.decode(errors="replace"))
        return bool(value == b"t")

    return ask
