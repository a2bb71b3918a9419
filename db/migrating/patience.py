"""A migration gives way to a live database: it waits for a lock for a few seconds only.

A statement that waits for a lock on a table makes every later one on that table wait behind it, whoever holds the lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, DropIndex

from cobalt_mirror.db.errors import LockTimeout, MigrationGaveWay
from cobalt_mirror.db.lock_holders import Watch

#: What operators see of us in `pg_stat_activity`.
APPLICATION_NAME = "cobalt-mirror migrate"

#: What PostgreSQL calls a lock that was not to be had in time, and a deadlock, in which somebody waits for us, too.
_NO_LOCK = {"55P03", "40P01"}
_CANCELLED = "57014"

_SET_TIMEOUTS = text("""
    SELECT set_config('lock_timeout', :lock, :in_transaction), set_config('statement_timeout', :run, :in_transaction),
           set_config('idle_in_transaction_session_timeout', '60s', :in_transaction)
""")
_COUNT_INVALID = text("""
    SELECT count(*) FROM pg_index
    JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :schema AND relname = :name AND NOT indisvalid
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How many seconds a migration waits on PostgreSQL, and how often it tries.

    Attributes:
        lock: for a lock. All who want the table meanwhile wait as long.
        run: that a statement may take when it has its lock, which keeps others waiting, too.
        index_lock: for a lock, or for the end of older transactions, while an index is built or dropped CONCURRENTLY.
            Nobody waits behind that.
        index_run: that an index may take to build.
        tries: how often a version is tried before the migration gives way.
        pause: between two tries, half of it more or less. Hosts catch up meanwhile.
        turn: for another migration of the same database to end.
    """

    lock: float = 3
    run: float = 2
    index_lock: float = 60
    index_run: float = 3_600
    tries: int = 5
    pause: float = 3
    turn: float = 600


def name_sessions(engine: Engine) -> None:
    """Let operators see whose an engine's sessions are, unless `DATABASE_URL` has another name for them."""

    def on_connect(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        parameters.setdefault("application_name", APPLICATION_NAME)

    event.listen(engine, "do_connect", on_connect)


@contextmanager
def giving_way(engine: Engine, connection: Connection, patience: Patience) -> Iterator[None]:
    """Bound what a connection waits for in the block, and find out who holds it up.

    Args:
        engine: lends the connection from which is seen who holds a lock.
        connection: to PostgreSQL, outside a transaction. It keeps the timeouts: close it afterwards.
        patience: how long to wait.

    Raises:
        LockTimeout: a lock was not to be had in time.
        MigrationGaveWay: a statement took too long.
    """
    _set_timeouts(connection, patience)
    _drop_invalid_indexes(connection)
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    connection.commit()
    watch = Watch(engine, pid, every_seconds=patience.lock / 10)
    watch.start()
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state in _NO_LOCK:
            raise LockTimeout(watch.holder) from error
        if state == _CANCELLED:
            raise MigrationGaveWay(_too_slow(patience)) from error
        raise
    finally:
        watch.stop()


def _set_timeouts(connection: Connection, patience: Patience) -> None:
    """Set them as each transaction begins (SET LOCAL), and longer ones for what runs in none: building indexes.

    Between two statements we compute, on a busy machine for longer than a database's own timeout for idle transactions.
    """

    def on_begin(begun: Connection) -> None:
        in_transaction = begun.get_execution_options().get("isolation_level") != "AUTOCOMMIT"
        lock, run = (
            (patience.lock, patience.lock + patience.run)
            if in_transaction
            else (patience.index_lock, patience.index_run)
        )
        begun.execute(
            _SET_TIMEOUTS,
            {"lock": _milliseconds(lock), "run": _milliseconds(run), "in_transaction": in_transaction},
        )

    event.listen(connection, "begin", on_begin)


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1_000))}ms"  # 0 would mean for ever


def _drop_invalid_indexes(connection: Connection) -> None:
    """Drop the invalid index that a failed attempt left, before one of its name is built CONCURRENTLY.

    `IF NOT EXISTS` would take it for a good one. Nobody builds it at this moment, for it is our turn.
    """

    def on_execute(executing: Connection, statement: object, *_: Any) -> None:
        if not (isinstance(statement, CreateIndex) and statement.element.dialect_options["postgresql"]["concurrently"]):
            return
        index = statement.element
        schema = None if index.table is None else index.table.schema
        if executing.execute(_COUNT_INVALID, {"schema": schema, "name": index.name}).scalar_one():
            executing.execute(DropIndex(index, if_exists=True))

    event.listen(connection, "before_execute", on_execute)


def _too_slow(patience: Patience) -> str:
    return (
        f"a statement of the migration was cancelled, because it took longer than {patience.lock + patience.run:g} s "
        f"({patience.index_run:g} s for building an index) or was cancelled by hand; that migration was rolled back; "
        "run `cobalt-mirror migrate` again when the database is less busy, or with a longer --lock-timeout"
    )
