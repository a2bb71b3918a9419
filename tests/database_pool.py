"""A pool of migrated PostgreSQL databases for tests: copying one for each costs more than most tests."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import make_url

from tests.services import PostgresServer

#: Detects changes by a test to tables, columns, rights and other definitions.
_DEFINITIONS = " UNION ALL ".join(
    f"SELECT '{catalogue}', count(*), max(xmin::text::bigint) FROM {catalogue}"
    for catalogue in (
        "pg_namespace",
        "pg_class",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_trigger",
        "pg_proc",
    )
)
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY = """
    DO $$
    DECLARE found regclass;
    BEGIN
        FOR found IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'cobalt_mirror'::regnamespace
            AND relname <> 'cobalt_mirror_version'
        LOOP EXECUTE format('DELETE FROM %s', found); END LOOP;
        FOR found IN SELECT oid FROM pg_class WHERE relkind = 'S' AND relnamespace = 'cobalt_mirror'::regnamespace
        LOOP PERFORM setval(found, 1, false); END LOOP;
    END $$
"""


class PooledDatabase:
    """A database of the pool, with its definitions when it was new."""

    def __init__(self, made: AbstractContextManager[str]) -> None:
        self._stack = ExitStack()
        self.url = self._stack.enter_context(made)
        with self._connected() as connection:
            self._definitions = self._defined(connection)

    def reset(self) -> bool:
        """Disconnect all clients and empty the tables; return False if a test changed more than rows."""
        with self._connected() as connection:
            connection.execute(_END_OTHERS)
            if self._defined(connection) != self._definitions:
                return False
            connection.execute(_EMPTY)
            return True

    def drop(self) -> None:
        self._stack.close()

    def _connected(self) -> psycopg.Connection:
        address = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True)

    @staticmethod
    def _defined(connection: psycopg.Connection) -> list[tuple[object, ...]]:
        return connection.execute(_DEFINITIONS.encode()).fetchall()


class DatabasePool:
    """A pool of databases with all our tables and no rows; each is used by one test at a time."""

    def __init__(self, server: PostgresServer, *, template: str) -> None:
        self._server, self._template = server, template
        self._free: list[PooledDatabase] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pooled in self._free:
            pooled.drop()

    @contextmanager
    def database(self) -> Iterator[str]:
        """Yield the URL of an empty database."""
        pooled = self._free.pop() if self._free else PooledDatabase(self._server.database(template=self._template))
        try:
            yield pooled.url
        finally:
            if pooled.reset():
                self._free.append(pooled)
            else:
                pooled.drop()
