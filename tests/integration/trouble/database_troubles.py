"""Troubles with the database. Each is made for real, and its context ends with the server as it was."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from cobalt_mirror.events import ConfigChanged
from tests.integration.trouble.installation import ACME, Installation
from tests.integration.trouble.proxies import database_proxy

#: How much longer each answer of a slow database takes.
_SLOW_SECONDS = 0.03
#: The size of a disk that is soon full; an empty database takes ten of it.
_DISK = "24m"
_FILL = "INSERT INTO public.filler SELECT repeat('x', 7000) FROM generate_series(1, %s)"


@contextmanager
def down(installation: Installation) -> Iterator[None]:
    """Connections are cut, and nothing answers any more."""
    with database_proxy(installation.world.database_url) as proxy:
        installation.restart(DATABASE_URL=proxy.url)
        proxy.close()
        yield


@contextmanager
def slow(installation: Installation) -> Iterator[None]:
    if os.environ.get("TEST_POSTGRES_URL"):
        pytest.skip("doctor names the proxy that makes the server slow, where that is reached over TCP")
    with database_proxy(installation.world.database_url) as proxy:
        installation.restart(DATABASE_URL=proxy.url)
        proxy.delay_seconds = _SLOW_SECONDS
        yield


@contextmanager
def full(installation: Installation) -> Iterator[None]:
    """The disk is full, and our tables have no room left in the pages that they have."""
    with _tiny_disk() as disk, _moved(installation, disk):
        with _connect(installation) as connection:
            connection.execute(
                "CREATE TABLE public.filler (t text); ALTER TABLE public.filler ALTER t SET STORAGE PLAIN"
            )
            for rows in (50, 1):
                with suppress(psycopg.errors.DiskFull):
                    while True:
                        connection.execute(_FILL, [rows])
        _publish_until_refused(installation)
        try:
            yield
        finally:
            installation.sql("DROP TABLE public.filler")


@contextmanager
def read_only(installation: Installation) -> Iterator[None]:
    """As some providers make it when the disk is nearly full."""
    with _connect(installation) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        installation.world.engine.dispose()  # the change counts for new connections
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())


@contextmanager
def locked(installation: Installation) -> Iterator[None]:
    """Somebody has locked a table by hand, and then gone to bed."""
    with _connect(installation, application_name="psql") as connection, connection.transaction():
        connection.execute("LOCK TABLE cobalt_mirror.events; SELECT pg_sleep(5)")
        yield


@contextmanager
def not_migrated(installation: Installation) -> Iterator[None]:
    with _version(installation, "0019"):
        yield


@contextmanager
def migrated_further(installation: Installation) -> Iterator[None]:
    with _version(installation, "9999"):
        yield


def _publish_until_refused(installation: Installation) -> None:
    with suppress(OperationalError):
        for _ in range(1_000):
            installation.world.publish(ConfigChanged(ACME, "slack", fields={"channel": "alerts"}))
        pytest.fail("the disk is not full")


@contextmanager
def _version(installation: Installation, version: str) -> Iterator[None]:
    (before,) = _connect(installation).execute("SELECT version_num FROM cobalt_mirror.cobalt_mirror_version").fetchall()
    change = "UPDATE cobalt_mirror.cobalt_mirror_version SET version_num = :version"
    installation.sql(change, version=version)
    try:
        yield
    finally:
        installation.sql(change, version=before[0])


@contextmanager
def _tiny_disk() -> Iterator[Path]:
    with TemporaryDirectory(prefix="cobalt-mirror-full-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=0777", "tmpfs", folder]
        if os.geteuid() != 0 or os.environ.get("TEST_POSTGRES_URL") or subprocess.run(mount, check=False).returncode:
            pytest.skip("a tiny disk is mounted for a server of our own, which only root may do, and not everywhere")
        try:
            yield Path(folder, "data")
        finally:
            subprocess.run(["umount", folder], check=True)


@contextmanager
def _moved(installation: Installation, disk: Path) -> Iterator[None]:
    """Move the database to a disk, and back."""
    name = make_url(installation.world.database_url).database
    with _connect(installation, database="postgres") as server:
        (data,) = server.execute("SHOW data_directory").fetchall()[0]
        disk.mkdir()
        os.chown(disk, os.stat(data).st_uid, os.stat(data).st_gid)
        server.execute(f"CREATE TABLESPACE tiny LOCATION '{disk}'".encode())
        for tablespace in ("tiny", "pg_default"):
            installation.world.engine.dispose()
            server.execute(f'ALTER DATABASE "{name}" SET TABLESPACE {tablespace}'.encode())
            if tablespace == "tiny":
                yield
        server.execute("DROP TABLESPACE tiny")


def _connect(
    installation: Installation, *, database: str | None = None, application_name: str = "somebody"
) -> psycopg.Connection:
    url = make_url(installation.world.database_url).set(drivername="postgresql")
    address = url.set(database=database or url.database).render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, application_name=application_name)
