"""Migrations of one database take turns."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from cobalt_mirror.db.errors import MigrationGaveWay
from cobalt_mirror.db.lock_holders import Holder
from cobalt_mirror.db.migrating.patience import Patience

# Those who wait ask again and again, in a transaction each. If they waited inside a statement, CREATE INDEX
# CONCURRENTLY of the one whose turn it is would wait for that statement's snapshot, and neither would ever go on.
_TAKE = text("SELECT pg_try_advisory_xact_lock(hashtext('cobalt_mirror migrations'))")
# The transaction then stays open and idle, which no timeout may end. A SET comes last, for it has no snapshot: a SELECT
# with parameters keeps its own until the next statement, and CREATE INDEX CONCURRENTLY would wait for that, too.
_KEEP = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_WHOSE = text("""
    SELECT pid, application_name, xact_start FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
      AND ((classid::bigint << 32) | objid::bigint) = hashtext('cobalt_mirror migrations')
      AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


@contextmanager
def turn(engine: Engine, patience: Patience) -> Iterator[None]:
    """Wait until no other migration is at work on this database, and keep others waiting until the end of the block.

    The lock belongs to a transaction of its own, on a connection of its own: it outlasts the commits of the migration,
    and ends with its process whatever happens, also behind a connection pooler, where a lock of the session would stay
    with the pooler's connection. (SQLite needs none of it: whoever writes has the file's only lock.)

    Args:
        engine: for PostgreSQL.
        patience: how long to wait.

    Raises:
        MigrationGaveWay: another one was at work for all of `patience.turn`. Run this one again later.
    """
    with engine.connect() as connection:
        # At a higher level the transaction would keep a snapshot, for whose end CREATE INDEX CONCURRENTLY waits.
        connection.execution_options(isolation_level="READ COMMITTED")
        _take(connection, patience)
        yield


def _take(connection: Connection, patience: Patience) -> None:
    deadline = time.monotonic() + patience.turn
    while not connection.execute(_TAKE).scalar_one():
        if time.monotonic() > deadline:
            raise MigrationGaveWay(_not_ours(connection, patience))
        connection.rollback()
        time.sleep(random.uniform(0.05, 0.2))
    connection.execute(_KEEP)


def _not_ours(connection: Connection, patience: Patience) -> str:
    row = connection.execute(_WHOSE).first()
    holder = Holder(pid=row[0], application=row[1], since=row[2]) if row else None
    where = f": {holder}; {holder.remedy}" if holder else "; wait for it to end"
    return (
        f"another migration of this database did not end within {patience.turn:g} s{where}, "
        "then run `cobalt-mirror migrate` again"
    )
