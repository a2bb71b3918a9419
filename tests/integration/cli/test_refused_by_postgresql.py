"""A PostgreSQL that answers and refuses: each command says why, in the server's words, and never the password."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, make_url

from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.probes import Probes
from tests.chaos.postgres import Postgres, postgres
from tests.commands import Shell
from tests.waiting import wait_until

PASSWORD = "right-pass"
WRONG = "wrong-pass"
ROLE = "mirror_app"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that asks one role for its password, and lets another in not at all."""
    with postgres() as server:
        with connect(server) as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'".encode())
            connection.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
            row = connection.execute("SHOW hba_file").fetchone()
            assert row is not None
            rules = Path(row[0])
            rules.write_text(f"local all {ROLE} scram-sha-256\n{rules.read_text()}")
            connection.execute("SELECT pg_reload_conf()")
        yield server


def connect(server: Postgres) -> psycopg.Connection:
    address = make_url(server.url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


def written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def said(shell: Shell, url: URL, *command: str) -> str:
    """The one sentence with which a command ended."""
    ended = shell.run(*command, DATABASE_URL=written(url))
    assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1), ended
    return ended.errors


@pytest.mark.parametrize("command", [["migrate"], ["status"], ["publish", "user_signed_up", "acme"]])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"username": ROLE, "password": WRONG},
            f'password authentication failed for user "{ROLE}"; correct the user and password in DATABASE_URL',
        ),
        ({"username": "nobody"}, 'role "nobody" does not exist; create that role or correct the user'),
        ({"database": "nothing"}, 'database "nothing" does not exist; create that database or correct its name'),
        ({"username": "crowded"}, 'too many connections for role "crowded"; run fewer processes or raise the limit'),
    ],
)
def test_the_servers_own_reason_is_told(
    shell: Shell, server: Postgres, command: list[str], changes: Any, reason: str
) -> None:
    sentence = said(shell, make_url(server.url).set(**changes), *command)

    assert f"refuses the connection: {reason}" in sentence
    assert WRONG not in sentence


def test_no_password_is_told_as_well(shell: Shell, server: Postgres) -> None:
    url = make_url(server.url).set(username=ROLE, password=None)

    assert "no password supplied; correct the user and password in DATABASE_URL" in said(shell, url, "status")


def test_the_probe_says_that_the_database_refuses(server: Postgres) -> None:
    url = make_url(server.url).set(username=ROLE, password=WRONG)

    assert Probes(Settings(database_url=written(url)))._database() == "refuses the connection"


def test_a_server_that_shuts_down_is_waited_for(shell: Shell) -> None:
    with postgres() as server, closing(connect(server)) as open_session:
        row = open_session.execute("SHOW data_directory").fetchone()
        assert row is not None
        os.kill(int(Path(row[0], "postmaster.pid").read_text().split()[0]), signal.SIGTERM)  # smart: sessions may end
        wait_until(lambda: not is_accepting(server))

        sentence = said(shell, make_url(server.url), "status")
        server.stop("fast")

    assert "refuses the connection: the database system is shutting down; wait until it accepts" in sentence


def is_accepting(server: Postgres) -> bool:
    try:
        connect(server).close()
    except psycopg.OperationalError:
        return False
    return True
