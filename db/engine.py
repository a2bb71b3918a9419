"""Engines for PostgreSQL and SQLite, transactions, and the clock that the database keeps."""

import functools
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from weakref import WeakSet

from sqlalchemy import ColumnElement, Connection, Engine, Executable, Table, event, literal_column, select, text
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from cobalt_mirror.db.columns import UtcDateTime
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.host_columns import read_json
from cobalt_mirror.db.refused_sessions import DIALECTS, describe_other_database, describe_refused
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import DECLARED_SCHEMA

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, scoped_session

#: A clock reads the time inside a transaction. Tests bring their own.
Clock = Callable[[Connection], datetime]

#: What a host may hand us its transaction as.
HostSession: TypeAlias = Union["Session", "scoped_session[Session]", Connection]

#: What makes PostgreSQL's client notice that the server's machine is gone, in seconds (milliseconds for the last).
_PATIENCE: Mapping[str, int] = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "tcp_user_timeout": 30_000,
}
#: A connection to PostgreSQL that was idle for this long is tried before it is lent.
TRY_AFTER_SECONDS = 1.0
#: How long a transaction on SQLite waits for the transaction before it.
SQLITE_BUSY_SECONDS = 30.0


def create_engine(settings: DatabaseSettings, *, pool_size: int = 5) -> Engine:
    """Make an engine for our own transactions. It opens nothing before its first use; dispose of it when done.

    A forked child may go on using it: it opens connections of its own.

    Args:
        settings: where the database is and what its schema is called.
        pool_size: connections kept open on PostgreSQL; twice as many may be lent at a time.
    """
    url = settings.url()
    engine = _sqlite_engine(settings) if url.get_backend_name() == "sqlite" else _postgresql_engine(settings, pool_size)
    _engines.add(engine)
    return engine


_engines: "WeakSet[Engine]" = WeakSet()
#: Pools of a parent, in a forked child: kept, so that nothing closes their connections on the parent's behalf.
_given_up: list[Pool] = []


def _give_up_connections() -> None:
    """Give up the parent's connections in a forked child: two processes on one would read each other's answers."""
    for engine in list(_engines):
        _given_up.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_give_up_connections)


def _postgresql_engine(settings: DatabaseSettings, pool_size: int) -> Engine:
    try:
        from psycopg import RawCursor  # noqa: PLC0415 - hosts may have another driver, and SQLite needs none
    except ModuleNotFoundError:
        raise BadSetting(
            "DATABASE_URL names PostgreSQL, and psycopg is not installed; pass a session of your app to `publish`, or "
            "run `pip install 'cobalt-mirror[workers]'`"
        ) from None
    engine = sqlalchemy_engine(
        settings.url(),
        pool_size=pool_size,
        max_overflow=pool_size,
        # With SERIALIZABLE, as a host may have set for the database, our transactions would fail one another.
        isolation_level="READ COMMITTED",
        # Parameters as the server itself writes them. Translating psycopg's own form takes two fifths of publishing.
        paramstyle="numeric_dollar",
        connect_args={**_PATIENCE, "cursor_factory": RawCursor, **_preparing(settings)},
        json_deserializer=read_json,  # else one value that Python cannot hold would fail the result with all others
        hide_parameters=True,  # an error's text must not have what is in a payload
        execution_options=options_for("postgresql", settings.mirror_schema),
    )
    event.listen(engine, "connect", _write_times_as_iso)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", functools.partial(_try_after_a_pause, engine))
    return engine


def _preparing(settings: DatabaseSettings) -> Mapping[str, Any]:
    return {} if settings.database_prepared_statements else {"prepare_threshold": None}


def _write_times_as_iso(connection: Any, _record: object) -> None:
    """Have the server write times in the one form that psycopg reads, where a database or a role has another.

    The server reports its form when we connect, so no other database costs a round trip. PgBouncer sets what we set
    here on each connection that it lends us; before 1.20 it refuses `options`, which would need no round trip at all.
    """
    if (connection.info.parameter_status("DateStyle") or "ISO").startswith("ISO"):
        return
    connection.execute("SET datestyle = 'ISO'")
    connection.commit()


def _note_use(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _try_after_a_pause(
    engine: Engine, connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Replace a connection that broke while it was idle. One in steady use is not tried each time
    (`pool_pre_ping`), which would cost every transaction a round trip; if it breaks, its transaction fails.
    """
    if time.monotonic() - record.info.get("used_at", time.monotonic()) < TRY_AFTER_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _sqlite_engine(settings: DatabaseSettings) -> Engine:
    engine = sqlalchemy_engine(
        settings.url(),
        connect_args={"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,
        execution_options=options_for("sqlite", settings.mirror_schema),
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_missing(settings: DatabaseSettings) -> bool:
    """Return whether the database is a SQLite file that does not exist. Connecting to it would create it, empty."""
    file = _sqlite_file(settings)
    return file is not None and not file.exists()


def make_folder(settings: DatabaseSettings) -> None:
    """Make the folder of a SQLite file, with those above it; nothing for PostgreSQL. For migrations only."""
    if (file := _sqlite_file(settings)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)


def _sqlite_file(settings: DatabaseSettings) -> Path | None:
    url = settings.url()
    is_file = url.get_backend_name() == "sqlite" and not url.query and url.database
    return Path(url.database) if is_file and url.database else None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    # Bytes that are no UTF-8 come out with replacement characters; by default they fail the result with all others.
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    connection.create_function("is_utf8", 1, _is_utf8, deterministic=True)  # for db/strays.py
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a committed event survives a power cut, too


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another has written in between; taking the
    # write lock at the start makes it wait instead. Readers say that they only read, and do not wait.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def reading(engine: Engine) -> Engine:
    """Return the same engine for transactions that only read: on SQLite they do not queue behind writers."""
    return engine.execution_options(reading=True)


def options_for(dialect: str, schema: str) -> dict[str, Any]:
    """Return the execution options with which a statement finds our tables in a schema."""
    # Without it SQLAlchemy forgets how many rows an INSERT on PostgreSQL made.
    options: dict[str, Any] = {"preserve_rowcount": True}
    translated = None if dialect == "sqlite" else schema
    if translated != DECLARED_SCHEMA:  # a translation is written into every statement anew
        options["schema_translate_map"] = {DECLARED_SCHEMA: translated}
    return options


def connection_of(session: HostSession) -> Connection:
    """Return the connection on which the host's transaction runs.

    Raises:
        TypeError: it is something else, such as an engine or an AsyncSession, or connected to another kind of database.
    """
    if isinstance(session, Connection):
        connection = session
    elif _is_orm_session(session):
        connection = session.connection()
    else:
        raise TypeError(describe_refused(session))
    if connection.dialect.name not in DIALECTS:
        raise TypeError(describe_other_database(connection.dialect.name))
    return connection


def _is_orm_session(session: "Session | scoped_session[Session]") -> bool:
    orm = sys.modules.get("sqlalchemy.orm")  # who has a session has loaded it; who has none need not wait for it
    return orm is not None and isinstance(session, orm.Session | orm.scoped_session)


def schema_of(connection: Connection) -> str:
    """Return the PostgreSQL schema in which a connection has our tables.

    Our own engines say it, and so does an engine of the host's with `create_engine(url, execution_options=
    {"schema_translate_map": {"cobalt_mirror": "another"}})`. One that says nothing has them in `cobalt_mirror`.
    """
    translated = connection.get_execution_options().get("schema_translate_map", {})
    return str(translated.get(DECLARED_SCHEMA) or DECLARED_SCHEMA)


def execute(session: HostSession, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
    """Run a statement on our tables inside a transaction of the host's."""
    connection = connection_of(session)
    schema = schema_of(connection)
    options = options_for(connection.dialect.name, schema)
    if "schema_translate_map" in connection.get_execution_options():  # what the host's names mean is not for our tables
        options.setdefault("schema_translate_map", {DECLARED_SCHEMA: schema})
    return connection.execute(statement, parameters, execution_options=options)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT, in the connection's dialect."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upsert(connection: Connection, table: Table, values: Mapping[str, Any], **changes: Any) -> None:
    """Insert a row, or change the row with its key to `changes` (default: to all of `values`)."""
    if not changes:
        connection.execute(_upsert(connection.dialect.name, table, tuple(values)), dict(values))
        return
    keys = [column.name for column in table.primary_key]
    connection.execute(
        insert_into(connection, table).values(**values).on_conflict_do_update(index_elements=keys, set_=changes)
    )


@functools.cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    """Put together once, for that costs SQLAlchemy as much as all the rest of a statement."""
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


_DATABASE_TIME = select(text("clock_timestamp()"))  # built once, for it is asked often


def database_clock(connection: Connection) -> datetime:
    """Return the database's time, so that machines with different clocks agree about leases and due times."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    now: datetime = connection.execute(_DATABASE_TIME).scalar_one()
    return now.astimezone(UTC)


def time_column(dialect: str) -> ColumnElement[datetime]:
    """Return the database's time as the column `now` of a statement that is made anyway; read it with `time_by`."""
    value = "NULL" if dialect == "sqlite" else "clock_timestamp()"
    return literal_column(value, UtcDateTime()).label("now")


def time_by(clock: Clock, connection: Connection, *, now: datetime | None) -> datetime:
    """Return the time by a clock. For the database's own, that is `now`, which a statement has just returned."""
    return now if now is not None and clock is database_clock else clock(connection)
