"""A real PgBouncer in transaction mode, which knows no prepared statements, between us and the database."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.database_pool import DatabasePool
from tests.waiting import wait_until
from tests.world import World

THREADS, EVENTS = 6, 150
CONFIG = """
[databases]
{database} = host={host} port={port} dbname={database} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
auth_type = any
pool_mode = transaction
default_pool_size = 3
unix_socket_dir =
query_wait_timeout = 10
server_connect_timeout = 5
{no_statements}
"""


@pytest.fixture
def pgbouncer() -> str:
    """The path of the program. TEST_PGBOUNCER names one that is not on PATH."""
    found = os.environ.get("TEST_PGBOUNCER") or shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("there is no pgbouncer on PATH; Debian and Ubuntu have it as the package pgbouncer")
    return found


@pytest.fixture
def pooled_url(pgbouncer: str, database_pool: DatabasePool) -> Iterator[str]:
    """The address of a migrated database behind PgBouncer."""
    with database_pool.database() as url, running(pgbouncer, make_url(url)) as address:
        yield address.render_as_string(hide_password=False)


@contextmanager
def running(program: str, database: URL) -> Iterator[URL]:
    """Run PgBouncer before a database, and yield the address to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    knows_statements = tuple(map(int, version.split(".")[:2])) >= (1, 21)
    host = str(database.host or database.query.get("host", "127.0.0.1"))
    config = CONFIG.format(
        database=database.database,
        host=host,
        port=database.port or 5432,
        user=database.username,
        password=f"password={database.password}" if database.password else "",
        listen_port=port,
        no_statements="max_prepared_statements = 0" if knows_statements else "",
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(config)
        for path in (file.parent, file):  # another user may have to read it
            path.chmod(0o755)
        owner = Path(host).owner() if host.startswith("/") else "nobody"  # who may use the server's socket
        user = ["-u", owner] if os.getuid() == 0 else []  # it refuses to run as root
        with subprocess.Popen([program, *user, str(file)], stderr=subprocess.PIPE) as process:
            try:
                wait_until(lambda: process.poll() is not None or answers(port))
                assert process.poll() is None, process.stderr and process.stderr.read()
                yield database.set(host="127.0.0.1", port=port, query={})
            finally:
                process.kill()


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def publish_much(settings: DatabaseSettings) -> int:
    """Publish from several threads, each event in a transaction of its own; return how many failed."""
    engine = create_engine(settings, pool_size=THREADS)

    def publish_one(number: int) -> bool:
        try:
            with engine.begin() as connection:
                publish_with(settings.vault(), [UserSignedUp(f"customer-{number}")], connection)
        except DBAPIError:
            return False
        return True

    try:
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(publish_one, range(EVENTS))).count(False)
    finally:
        engine.dispose()


def test_with_prepared_statements_some_publishes_fail_and_without_none(pooled_url: str) -> None:
    assert publish_much(DatabaseSettings(database_url=pooled_url)) > 0
    assert publish_much(DatabaseSettings(database_url=pooled_url, database_prepared_statements=False)) == 0


def test_workers_carry_events_out_through_it(pooled_url: str) -> None:
    world = World(pooled_url, options={"database_prepared_statements": False})
    for number in range(10):
        world.publish(UserSignedUp(f"customer-{number}", name="Acme"))
    world.work_until_quiet()

    assert {row["status"] for row in world.rows("events")} == {"done"}
    assert len(world.sandbox.state()["accounts"]) == 10
    world.close()
