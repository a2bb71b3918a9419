"""Plain runs, at whatever times they come, read the configs of each connection within the stated time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cobalt_mirror.events import ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World

WITHIN = timedelta(hours=48)
#: Hours between runs, over more than four times the stated time: shares of it, nearly all of it, and more than it.
GAPS = [1, 5, 0.5, 20, 1, 1, 9, 2, 9, 40, 0.25, 12, 47, 3, 50, 6]
#: How many customers connect an application before each run. A connection that no run has read comes first, so that
#: their number, and not the share of a run, decides when the turn of the others would come.
NEW = [2, 2, 2, 8, 2, 2, 6, 2, 0, 0, 0, 0, 8, 2, 0, 0]


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose clock stands still between runs, and twelve connections that a run has read."""
    world = make_world(options={"reconcile_configs_within_hours": WITHIN / timedelta(hours=1)})
    world.clock.stop_at(datetime.now(UTC) + timedelta(minutes=1))  # what is published is due
    at_cobalt(world, range(12), "slack")
    reconcile(world)
    world.work_until_quiet()
    reconcile(world, deep=True)
    return world


def connect(world: World, accounts: list[str]) -> None:
    """Have customers connect an application, which workers learn by events and read at once."""
    for account in accounts:
        world.publish(UserSignedUp(account, name="New", udf={}))
        world.work()
        world.sandbox.connect(account, "slack")
        world.publish(ConnectionAuthorized(account, "slack"))
    world.work_until_quiet()


def ages(world: World) -> dict[str, timedelta]:
    """How long ago a run last read each connection's configs; for one that none has read, since it was connected."""
    looked_at = {row["linked_account_id"]: row["looked_at"] for row in world.rows("looks")}
    rows = world.rows("connections", status="connected")
    return {
        row["linked_account_id"]: world.clock() - looked_at.get(row["linked_account_id"], row["connected_at"])
        for row in rows
    }


def test_runs_at_any_times_read_each_connection_within_the_stated_time(world: World) -> None:
    assert sum(GAPS) > 4 * (WITHIN / timedelta(hours=1))
    for number, (hours, new) in enumerate(zip(GAPS, NEW, strict=True)):
        connect(world, [f"new {number} {each}" for each in range(new)])
        world.clock.pass_time(hours * 3_600)
        report = reconcile(world)

        assert report.ending is Ending.IN_AGREEMENT, number
        assert {account: str(age) for account, age in ages(world).items() if age > WITHIN} == {}, number
    assert len(ages(world)) == 12 + sum(NEW)


def test_a_run_leaves_to_the_next_what_is_in_time_then(world: World) -> None:
    """Hourly runs share the reading: none reads everything."""
    for _ in range(3):
        world.clock.pass_time(3_600)
        report = reconcile(world)
        read = [age for age in ages(world).values() if age < timedelta(minutes=30)]
        assert len(read) == 1, report
