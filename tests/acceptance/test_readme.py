"""What the README and the pages in docs/ tell a reader to type works as written: commands, Python, SQL."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.migrate import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import EVENT_TYPES
from cobalt_mirror.workers.settings import Settings
from tests.commands import COMMAND, Shell, family_of, read_until, still_running
from tests.pages import EVENTS, OUTCOMES, README, ROOT, block, blocks
from tests.services import PostgresServer
from tests.waiting import wait_until
from tests.world import TEST_KEY, World

#: What the README's commands that leave this machine, or make an environment, amount to here.
PRELUDE = """
make() {
  case "$1" in
    demo) command make --no-print-directory -C "$ROOT" BIN="$BIN" -o .venv/.installed demo N=2 ;;
    venv | test) command make -C "$ROOT" -n "$1" >/dev/null ;;
    *) return 2 ;;
  esac
}
npm() { [ "$*" = "install @cobaltio/cobalt-js" ]; }
.() { [ "$*" = ".venv/bin/activate" ]; }
"""


def type_in(shell: Shell, commands: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs commands as a reader who types them in, in one shell that stops at the first failure."""
    (shell.folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nnoproxy = *\n")
    told = {
        **shell.variables,
        "BIN": str(COMMAND.parent),
        "CURL_HOME": str(shell.folder),
        "HOME": str(shell.folder),
        "PATH": f"{COMMAND.parent}:/usr/local/bin:/usr/bin:/bin",
        "ROOT": str(ROOT),
        **variables,
    }
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", PRELUDE + commands],
        cwd=shell.folder,
        env=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


@pytest.fixture
def world(postgres: PostgresServer) -> Iterator[World]:
    """A mirror on PostgreSQL, where the README's hosts live too."""
    with postgres.database() as url:
        upgrade(DatabaseSettings(database_url=url))
        world = World(url)
        yield world
        world.close()


def sql(world: World, statements: str) -> list[tuple[Any, ...]]:
    """What the last of these statements answers, by the hands of a host that is not Python."""
    address = make_url(world.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        cursor = connection.execute(statements.encode())
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


def publish_sign_up(world: World, account: str) -> None:
    sql(world, f"INSERT INTO cobalt_mirror.events (type, linked_account_id) VALUES ('user_signed_up', '{account}')")
    world.work_until_quiet()
    world.catalogue.refresh()


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_two_commands_near_the_top_work(shell: Shell) -> None:
    first = blocks(README, "sh")[0]
    done = type_in(shell, first)

    assert first == "make demo\nmake test\n"
    assert README.index(first) < 1_200
    assert (done.returncode, done.stderr) == (0, "")
    promised = re.findall(r"^mirror agrees.*$", README, flags=re.MULTILINE)[0]
    assert re.sub(r"\d+", "N", done.stdout.splitlines()[-1]) == re.sub(r"\d+", "N", promised).replace(
        "N diff", "N diff"
    )


@pytest.mark.timeout(480)  # a dozen commands and waits, each its own process
def test_a_newcomer_can_be_a_customer_in_a_second_shell(shell: Shell) -> None:
    start, second = block(README, "sh", "up --sandbox"), block(README, "sh", "dashboard/connect")
    [command] = re.findall(r"^cobalt-mirror (.*)$", start, flags=re.MULTILINE)
    type_in(shell, start.replace(f"cobalt-mirror {command}\n", "")).check_returncode()

    settings = {"EVENTS_TOKEN": "a-token", "WEB_PORT": "0", "WORKER_PROCESSES": "1"}
    with shell.start(*command.split(), "--sandbox-port", "0", **settings) as up:
        said = read_until(up, "in another shell")
        url, web = (re.findall(rf"{name} +(\S+)", said)[0] for name in ("Cobalt", "web"))
        done = type_in(shell, second.replace("http://127.0.0.1:8474", url))
        by_night = type_in(shell, blocks(README, "sh")[-1])
        lines = [type_in(shell, block(README, "sh", "--ndjson"))]
        lines += [type_in(shell, block(OUTCOMES, "sh", "config_changed"))]
        posted = type_in(shell, block(EVENTS, "sh", "$MIRROR_URL/events"), MIRROR_URL=web, EVENTS_TOKEN="a-token")
        wait_until(lambda: " 0 pending" in shell.run("status").output, timeout_seconds=60)
        receipt = shell.run("show", "zoe").output
        state = httpx.get(f"{url}/_sandbox/state", trust_env=False).json()
        everybody = family_of(up.pid)
        up.send_signal(signal.SIGINT)
        said, _ = up.communicate(timeout=40)

    assert (up.returncode, still_running(everybody)) == (0, set())
    assert "work in progress is finished first" in said
    assert "Traceback" not in said
    assert (done.returncode, done.stderr) == (0, "")
    assert "Acme Ltd" in done.stdout
    assert "not halted" in done.stdout
    assert [row["udf"] for row in state["accounts"] if row["linked_account_id"] == "acme"] == [{"plan": "pro"}]
    assert [row["fields"] for row in state["configs"]] == [{"channel": "alerts"}]
    assert (by_night.returncode, by_night.stderr) == (0, "")
    assert [(each.returncode, each.stderr) for each in lines] == [(0, "")] * 2
    assert "2 events published, 0 were published before, 0 bad lines" in lines[0].stdout
    assert json.loads(posted.stdout)["receipts"] == [{"source": "billing", "id": "9", "is_new": True}]
    assert "receipt of the deletion" in receipt


def test_the_commands_that_publish_work(world: World, shell: Shell) -> None:
    settings = {"DATABASE_URL": world.database_url, "MIRROR_SECRET_KEYS": TEST_KEY}
    done = type_in(shell, block(EVENTS, "sh", "--auth-credentials-stdin"), **settings)
    (shell.folder / "FILE").write_text(blocks(EVENTS, "json")[0])
    lines = type_in(shell, "cobalt-mirror publish --ndjson FILE", **settings)

    assert (done.returncode, done.stderr, lines.returncode, lines.stderr) == (0, "", 0, "")
    assert "k-123" not in world.everything_stored()
    publish_sign_up(world, "acme")
    assert {row["status"] for row in world.rows("events")} <= {"done", "superseded"}


def test_a_token_can_be_minted_without_importing_us(world: World, shell: Shell) -> None:
    publish_sign_up(world, "acme")
    with SandboxServer(world.sandbox) as server:
        minted = type_in(
            shell, block(README, "sh", "session-token"), COBALT_BASE_URL=server.url, COBALT_API_KEY="tk_sandbox"
        )

    assert (minted.returncode, minted.stderr) == (0, "")
    assert '"token"' in minted.stdout


def test_the_variables_for_production_are_settings_that_can_be_read(shell: Shell) -> None:
    told = block(README, "sh", "export COBALT_API_KEY")
    done = type_in(
        shell, f"{told}\n{sys.executable} -c 'from cobalt_mirror.workers.settings import Settings; Settings()'"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"^export (\w+)=", told, flags=re.MULTILINE)) <= set(map(str.upper, Settings.model_fields))


def test_the_page_of_the_browser_installs_what_it_imports(shell: Shell) -> None:
    done = type_in(shell, block(README, "sh", "npm"))
    page = blocks(README, "js")[0]

    assert done.returncode == 0
    assert 'from "@cobaltio/cobalt-js"' in page
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on PATH to read the page's script with")
    (shell.folder / "page.mjs").write_text(page)
    subprocess.run([node, "--check", shell.folder / "page.mjs"], check=True)


def test_every_block_of_commands_is_run_by_a_test_of_this_file() -> None:
    parts = ["make demo", "up --sandbox", "dashboard/connect", "--ndjson -", "session-token", "npm", "export COBALT"]
    night = blocks(README, "sh")[-1]
    [at_night] = [one for one in blocks(OUTCOMES, "sh") if "status" in one]
    run = [block(README, "sh", part) for part in parts] + [night]

    assert sorted(run) == sorted(blocks(README, "sh"))
    assert at_night == night
    assert len(blocks(OUTCOMES, "sh")) == 2
    assert len(blocks(EVENTS, "sh")) == 2


# --- Python and SQL ---------------------------------------------------------------------------------------------------

#: Django's two names over psycopg, so that the README's Django view runs without Django.
DJANGO = """
import os, sys, types
import psycopg

_open = psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg", ""), autocommit=True)
_module = types.ModuleType("django.db")
_module.connection, _module.transaction = _open, types.SimpleNamespace(atomic=_open.transaction)
sys.modules |= {"django": types.ModuleType("django"), "django.db": _module}
"""

PUBLISHING = """
import asyncio
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings


class Lending:  # as an AsyncSession does; a real one needs greenlet
    async def run_sync(self, use):
        return use(session)

    async def commit(self):
        session.commit()


with Session(create_engine(DatabaseSettings())) as session:
    sign_up(session, "ann", "Ann Ltd")
    asyncio.run(slack_connected(Lending(), "ann"))
change_slack_config("ann", {"channel": "alerts"})
assert len(cobalt_token("bob")["token"]) > 10
client.close()
"""

READING = """
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings

with Session(create_engine(DatabaseSettings())) as session:
    for one in integrations_page(session, "ann"):
        print(one["slug"], one["name"], one["state"].value, bool(one["icon"]))
    found = settings_page(session, "ann")
    print(found[0][0].slug, found[1][0].fields)
"""


def run_python(world: World, folder: Path, *parts: str, **variables: str) -> str:
    """Runs parts of one program in a process of its own; what it printed."""
    script = folder / "readme.py"
    script.write_text("\n\n".join(parts))
    settings = {"DATABASE_URL": world.database_url, "MIRROR_SECRET_KEYS": TEST_KEY, "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={"PATH": os.defpath, **settings, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_python_block_runs_and_what_it_publishes_is_carried_out(world: World, tmp_path: Path) -> None:
    *publishing, reading = blocks(README, "python")
    with SandboxServer(world.sandbox) as server:
        said = run_python(
            world,
            tmp_path,
            DJANGO,
            *publishing,
            PUBLISHING,
            COBALT_BASE_URL=server.url,
            COBALT_API_KEY="tk_sandbox",
        )
    published = {(row["linked_account_id"], row["type"]) for row in world.rows("events")}
    world.client.upsert_account("ann")
    world.sandbox.connect("ann", "slack")
    world.work_until_quiet()
    world.catalogue.refresh()
    page = run_python(world, tmp_path, reading, READING)

    assert said == "True\n"
    assert ("ann", "user_signed_up") in published
    assert {type_ for _, type_ in published} == EVENT_TYPES.keys()
    assert {row["linked_account_id"] for row in world.sandbox.state()["accounts"]} >= {"ann", "bob"}
    assert world.row("configs", linked_account_id="ann")["fields"] == {"channel": "alerts"}
    assert "slack Slack connected True\n" in page
    assert page.endswith("slack {'channel': 'alerts'}\n")


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """A host's role that may do nothing yet."""
    name = f"app_{uuid4().hex}"
    sql(world, f"CREATE ROLE {name}")
    yield name
    sql(world, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize("page", [README, EVENTS, OUTCOMES], ids=["README", "events", "outcomes"])
def test_every_sql_block_works_on_postgresql_as_written(world: World, role: str, page: str) -> None:
    publish_sign_up(world, "acme")
    world.sandbox.connect("acme", "slack")

    for statements in blocks(page, "sql"):
        sql(world, re.sub(r"\bapp\b", role, statements))
    world.work_until_quiet()

    assert blocks(page, "sql")
    assert {row["status"] for row in world.rows("events")} <= {"done", "superseded"}


def test_a_host_with_the_rights_on_the_page_can_publish_and_read(world: World, role: str) -> None:
    publish_sign_up(world, "acme")
    sql(world, re.sub(r"\bapp\b", role, block(EVENTS, "sql", "GRANT")))

    sql(world, f"SET ROLE {role}; {block(EVENTS, 'sql', 'INSERT INTO')}")
    page = sql(world, f"SET ROLE {role}; {block(README, 'sql', 'SELECT')}")

    assert {row["type"] for row in world.rows("events", status="pending")} == EVENT_TYPES.keys()
    assert ("slack", "Slack", "connect") in [(slug, name, state) for slug, name, _, state in page]


def test_the_inserts_work_on_sqlite_without_the_schema_and_with_times_in_its_form(tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path / 'mirror.db'}")
    upgrade(settings)
    statements = block(EVENTS, "sql", "INSERT INTO").replace("cobalt_mirror.", "")
    with sqlite3.connect(tmp_path / "mirror.db") as connection:
        with pytest.raises(sqlite3.IntegrityError):
            connection.executescript(statements)
        connection.executescript(statements.replace("12:00:00Z", "12:00:00.000000Z"))

        assert connection.execute("SELECT count(DISTINCT type) FROM events").fetchone() == (len(EVENT_TYPES),)
