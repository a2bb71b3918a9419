"""The Python and the SQL in the README and in docs/ work as written."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import ChangeType
from cobalt_mirror.events import EVENT_TYPES, ConnectionAuthorized
from tests.acceptance.reader import run_python, run_sql, sign_up
from tests.pages import EVENTS, README, YOUR_APP, block, blocks, rows
from tests.world import World

PUBLISHING = """
import asyncio
import os
from sqlalchemy.ext.asyncio import create_async_engine
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings


async def connected() -> None:
    engine = create_async_engine(os.environ["DATABASE_URL"])
    async with AsyncSession(engine) as session:
        waited, _ = await slack_connected(session, "ann")
        assert waited.is_pending
    await engine.dispose()


with Session(create_engine(DatabaseSettings.from_environment())) as session:
    sign_up(session, "ann", "Ann Ltd")
    assert disconnect_slack(session, "dora")[0].startswith("This takes")
asyncio.run(connected())
publish(ConfigChanged("ann", "slack", fields={"channel": "alerts"}))
assert len(cobalt_token("bob")["token"]) > 10
client.close()
"""

READING = """
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings

with Session(create_engine(DatabaseSettings.from_environment())) as session:
    for each in integrations_page(session, "ann"):
        print(each["slug"], each["name"], each["state"].value, bool(each["icon"]))
    connections, configs = settings_page(session, "ann")
    print(connections[0].slug, configs[0].fields)
"""


def test_every_python_block_runs_and_what_it_publishes_is_carried_out(world: World, tmp_path: Path) -> None:
    reading = block(README, "python", "integrations_page")
    publishing = [
        each.replace("timeout_seconds=2", "timeout_seconds=0")  # nobody works meanwhile
        for page in (README, YOUR_APP)
        for each in blocks(page, "python")
        if each != reading
    ]
    with SandboxServer(world.sandbox) as server:
        printed = run_python(
            world,
            tmp_path,
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

    assert printed == "True\n"
    assert ("ann", "user_signed_up") in published
    assert {type_ for _, type_ in published} == EVENT_TYPES.keys()
    assert {row["linked_account_id"] for row in world.sandbox.state()["accounts"]} >= {"ann", "bob"}
    assert world.row("configs", linked_account_id="ann")["fields"] == {"channel": "alerts"}
    assert "slack Slack connected True\n" in page
    assert page.endswith("slack {'channel': 'alerts'}\n")


FOLLOWING = """
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings

with Session(create_engine(DatabaseSettings.from_environment())) as session:
    session.execute(text("CREATE TABLE feed_cursor AS SELECT CAST(0 AS bigint) AS position"))
    print(carry_out_changes(session), carry_out_changes(session))
"""


def test_the_block_that_follows_the_change_feed_carries_out_each_entry_once(world: World, tmp_path: Path) -> None:
    sign_up(world, "ann")
    world.sandbox.connect("ann", "slack")
    world.sandbox.expire_connection("ann", "slack")
    world.publish(ConnectionAuthorized("ann", "slack"))
    world.work_until_quiet()
    while number_changes(world.engine):
        pass

    printed = run_python(world, tmp_path, block(YOUR_APP, "python", "carry_out_changes"), FOLLOWING)
    assert printed == "['ann has to connect slack again'] []\n"


def test_the_table_of_the_change_feed_has_every_type() -> None:
    assert {type_.strip("`") for type_, *_ in rows(YOUR_APP, "| type | when | data |")} - {"---"} == set(ChangeType)


SEVERAL = """
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings

kept, gone = IDS
with Session(create_engine(DatabaseSettings.from_environment())) as session:
    book_to(session, "ann", kept, "200")
    disconnect_company(session, "ann", gone)
"""


def test_one_of_several_connections_is_configured_and_another_one_removed(world: World, tmp_path: Path) -> None:
    sign_up(world, "ann")
    kept, gone = (world.sandbox.connect("ann", "xero") for _ in range(2))
    world.publish(ConnectionAuthorized("ann", "xero"))
    world.work_until_quiet()
    [snippet] = blocks(EVENTS, "python")
    run_python(world, tmp_path, snippet, SEVERAL.replace("IDS", repr((kept, gone))))
    world.work_until_quiet()

    (connection,) = world.sandbox.state()["connections"]
    assert [account["connection_id"] for account in connection["accounts"]] == [kept]
    (config,) = world.rows("configs", status="installed")
    assert (config["connection_id"], config["fields"]) == (kept, {"account_code": "200"})
    assert {row["status"] for row in world.rows("events")} == {"done"}


@pytest.fixture
def role(world: World) -> Iterator[str]:
    """A database role of an app, without any rights yet."""
    name = f"app_{uuid4().hex}"
    run_sql(world, f"CREATE ROLE {name}")
    yield name
    run_sql(world, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.parametrize("page", [README, EVENTS], ids=["README", "events"])
def test_every_sql_block_works_on_postgresql_as_written(world: World, role: str, page: str) -> None:
    sign_up(world, "acme")
    world.sandbox.connect("acme", "slack")

    for statements in blocks(page, "sql"):
        run_sql(world, re.sub(r"\bapp\b", role, statements))
    world.work_until_quiet()

    assert blocks(page, "sql")
    assert {row["status"] for row in world.rows("events")} <= {"done", "superseded"}


def test_an_app_with_the_rights_on_the_page_can_publish_and_read(world: World, role: str) -> None:
    sign_up(world, "acme")
    run_sql(world, re.sub(r"\bapp\b", role, block(EVENTS, "sql", "GRANT")))

    run_sql(world, f"SET ROLE {role}; {block(EVENTS, 'sql', 'INSERT INTO')}")
    page = run_sql(world, f"SET ROLE {role}; {block(README, 'sql', 'SELECT')}")

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
