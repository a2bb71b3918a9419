"""Migrated PostgreSQL databases, lent to one test after another: copying one for each costs more than most tests."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import make_url

from tests.services import PostgresServer

#: Tables, columns, rights and the like: whatever of them a test adds, alters or takes away shows here.
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


class Lent:
    """One database, and what was defined in it when it was new."""

    def __init__(self, made: AbstractContextManager[str]) -> None:
        self._stack = ExitStack()
        self.url = self._stack.enter_context(made)
        with self._connected() as connection:
            self._definitions = self._defined(connection)

    def is_as_new(self) -> bool:
        """Ends whoever is still connected and empties the tables; False when a test changed more than rows."""
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


class Lending:
    """Lends databases with all our tables and no row in them, each to one borrower at a time."""

    def __init__(self, server: PostgresServer, *, template: str) -> None:
        self._server, self._template = server, template
        self._free: list[Lent] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lent in self._free:
            lent.drop()

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Gives a database's URL; what the borrower leaves in it, the next one does not see."""
        lent = self._free.pop() if self._free else Lent(self._server.database(template=self._template))
        try:
            yield lent.url
        finally:
            if lent.is_as_new():
                self._free.append(lent)
            else:
                lent.drop()
