"""The services that other tests stand on: each test gets its own, empty, and they end with the run."""

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import create_engine, inspect, make_url, text

from tests.services import PostgresServer, postgres_server
from tests.waiting import is_running, wait_until

# A run of tests that is killed while its server is up. It says where the server keeps its data.
RUN = """
import sys
from tests.services import postgres_server

with postgres_server() as server:
    print(server.address.query["host"], flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_gets_an_empty_database(database_url: str, turn: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
        connection.execute(text(f"CREATE TABLE {turn} (id integer)"))
        assert inspect(connection).get_table_names() == [turn]
    engine.dispose()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_gets_an_empty_redis(redis_url: str, turn: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.keys() == []
        client.set(turn, 1)


def test_a_database_is_dropped_with_its_clients_still_connected(postgres: PostgresServer) -> None:
    with postgres.database() as url:
        client = psycopg.connect(url.replace("+psycopg", ""))

    with pytest.raises(psycopg.OperationalError), client:
        client.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url.replace("+psycopg", ""))


def test_a_database_can_be_a_copy_of_another(postgres: PostgresServer) -> None:
    with postgres.database() as original:
        with psycopg.connect(original.replace("+psycopg", "")) as client:
            client.execute("CREATE TABLE plan (id integer)")
        with (
            postgres.database(template=make_url(original).database or "") as copy,
            psycopg.connect(copy.replace("+psycopg", "")) as client,
        ):
            assert client.execute("SELECT count(*) FROM plan").fetchone() == (0,)


def test_a_given_server_is_used_instead_of_our_own(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    given = postgres.address.set(drivername="postgres").render_as_string(hide_password=False)
    monkeypatch.setenv("TEST_POSTGRES_URL", given)

    with postgres_server() as server:
        assert server.address == postgres.address


def test_the_server_does_not_outlive_a_run_that_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        server_pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        assert is_running(server_pid)
        run.kill()

    wait_until(lambda: not is_running(server_pid))
    shutil.rmtree(folder)
