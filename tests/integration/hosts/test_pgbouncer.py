"""A real PgBouncer in transaction mode, which knows no prepared statements, between us and the database."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import URL, Engine, make_url, text
from sqlalchemy import create_engine as host_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from cobalt_mirror import list_events, list_events_async, publish, publish_async
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.database_pool import DatabasePool
from tests.pages import HOSTING, block
from tests.waiting import wait_until
from tests.world import World

SessionT = TypeVar("SessionT")

THREADS, EVENTS = 6, 150
SERVER_CONNECTIONS, ROUNDS = 3, 30
CONFIG = """
[databases]
{database} = host={host} port={port} dbname={database} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
auth_type = any
pool_mode = transaction
default_pool_size = {server_connections}
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
        server_connections=SERVER_CONNECTIONS,
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


def documented_engine(url: str) -> Engine:
    """Return the engine that docs/hosting.md shows for psycopg."""
    [code] = re.findall(r"`(create_engine\(url, .*\))`", HOSTING)
    engine: Engine = eval(code, {"create_engine": host_engine, "url": url})
    return engine


def documented_async_engine(url: str) -> AsyncEngine:
    """Return the engine that docs/hosting.md shows for asyncpg."""
    names: dict[str, Any] = {}
    exec(block(HOSTING, "python", "engine_behind_pgbouncer"), names)
    engine: AsyncEngine = names["engine_behind_pgbouncer"](url)
    return engine


def through(driver: str, pooled_url: str) -> str:
    address = make_url(pooled_url).set(drivername=f"postgresql+{driver}")
    return address.render_as_string(hide_password=False)


def publish_and_read(engine: Engine) -> int:
    """Publish and read in sessions that take turns, so each has another connection of the server in every round.

    Returns:
        How many rounds failed.
    """
    failed = 0
    for number in range(ROUNDS):
        sessions = [Session(engine) for _ in range(SERVER_CONNECTIONS)]
        try:
            for index, session in enumerate(turned(sessions, number)):
                for _ in range(index):  # otherwise all would give a statement the same name at the same time
                    list_events(session, "customer")
                publish(UserSignedUp("customer"), session)
                assert list_events(session, "customer")
            for session in turned(sessions, number):
                session.commit()
        except DBAPIError:
            failed += 1
        for session in sessions:
            session.close()
    engine.dispose()
    return failed


async def publish_and_read_async(engine: AsyncEngine) -> int:
    """Do the same in an async engine's sessions."""
    failed = 0
    for number in range(ROUNDS):
        sessions = [AsyncSession(engine) for _ in range(SERVER_CONNECTIONS)]
        try:
            for session in turned(sessions, number):
                await publish_async(UserSignedUp("customer"), session)
                assert await list_events_async(session, "customer")
            for session in turned(sessions, number):
                await session.commit()
        except DBAPIError:
            failed += 1
        for session in sessions:
            await session.close()
    await engine.dispose()
    return failed


def turned(sessions: list[SessionT], number: int) -> list[SessionT]:
    """Return sessions in an order of this round's own."""
    first = number % len(sessions)
    return sessions[first:] + sessions[:first]


def test_an_engine_of_a_host_s_with_psycopg_works_as_documented_and_not_without(pooled_url: str) -> None:
    url = through("psycopg", pooled_url)

    assert publish_and_read(host_engine(url)) > 0
    assert publish_and_read(documented_engine(url)) == 0


def test_an_engine_of_a_host_s_with_asyncpg_works_as_documented_and_not_without(pooled_url: str) -> None:
    url = through("asyncpg", pooled_url)

    assert asyncio.run(publish_and_read_async(create_async_engine(url))) > 0
    assert asyncio.run(publish_and_read_async(documented_async_engine(url))) == 0


def test_with_prepared_statements_some_publishes_fail_and_without_none(pooled_url: str) -> None:
    assert publish_much(DatabaseSettings(database_url=pooled_url)) > 0
    assert publish_much(DatabaseSettings(database_url=pooled_url, database_prepared_statements=False)) == 0


def test_times_are_read_through_it_whatever_form_the_database_writes_them_in(
    pgbouncer: str, database_pool: DatabasePool
) -> None:
    with database_pool.database() as url:
        direct = host_engine(url)
        with direct.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f"""ALTER DATABASE "{name}" SET datestyle = 'SQL, DMY'"""))
        direct.dispose()
        with running(pgbouncer, make_url(url)) as address:
            pooled_url = address.render_as_string(hide_password=False)
            engine = create_engine(
                DatabaseSettings(database_url=pooled_url, database_prepared_statements=False), pool_size=THREADS
            )
            assert publish_and_read(engine) == 0


def test_workers_carry_events_out_through_it(pooled_url: str) -> None:
    world = World(pooled_url, options={"database_prepared_statements": False})
    for number in range(10):
        world.publish(UserSignedUp(f"customer-{number}", name="Acme"))
    world.work_until_quiet()

    assert {row["status"] for row in world.rows("events")} == {"done"}
    assert len(world.sandbox.state()["accounts"]) == 10
    world.close()
