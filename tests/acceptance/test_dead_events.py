"""The commands about dead events in docs/ work as written."""

from typing import Any

import pytest
from sqlalchemy import insert

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.db.tables import events
from cobalt_mirror.workers.cli.app import load_command
from tests.acceptance.reader import sign_up, type_in
from tests.commands import Shell
from tests.pages import OPERATIONS, OUTCOMES, block, rows
from tests.world import World

DEAD: dict[str, Any] = {"type": "config_changed", "slug": "slack", "status": "dead", "move": "operator"}


@pytest.fixture
def log(world: World) -> World:
    """Two events are dead, one of them of a customer whose config Cobalt does not show; another one waits."""
    sign_up(world, "acme")
    sign_up(world, "bob")
    world.sandbox.connect("bob", "slack")
    dead = {**DEAD, "linked_account_id": "bob", "last_error": "slack is not enabled", "finished_at": world.clock()}
    with world.engine.begin() as connection:
        connection.execute(insert(events).values(id="1", payload={"fields": {"mention": "@here"}}, **dead))
        connection.execute(insert(events).values(id="2", **{**dead, "linked_account_id": "acme", "last_error": "no"}))
        connection.execute(insert(events).values(id="42", type="user_signed_up", linked_account_id="cid"))
    return world


@pytest.mark.parametrize(
    ("page", "part", "statuses"),
    [
        (OPERATIONS, "dead discard --account", {"1": "done", "2": "discarded", "42": "pending"}),
        (OPERATIONS, "events hurry", {"1": "dead", "2": "dead", "42": "pending"}),
        (OUTCOMES, "dead replay", {"1": "done", "2": "pending", "42": "pending"}),
    ],
)
def test_the_commands_work(
    log: World, shell: Shell, redis_url: str, *, page: str, part: str, statuses: dict[str, str]
) -> None:
    with SandboxServer(log.sandbox) as server:
        settings = {"COBALT_BASE_URL": server.url, "COBALT_API_KEY": "tk_sandbox", "REDIS_URL": redis_url}
        done = type_in(shell, block(page, "sh", part), DATABASE_URL=log.database_url, **settings)

    assert done.returncode == 0, done.stderr
    assert {row["id"]: row["status"] for row in log.rows("events") if row["id"] in statuses} == statuses


def test_every_filter_is_on_its_page() -> None:
    filters = {cells[0].strip("`").split()[0] for cells in rows(OPERATIONS, "| filter | only events |")}
    others = {"--all", "--limit", "--dry-run", "--by", "--json", "--help"}
    commands = load_command("dead").commands

    assert {parameter.opts[0] for parameter in commands["replay"].params} - others == filters
    assert {parameter.opts[0] for parameter in commands["discard"].params} - others == {*filters, "--why"}
