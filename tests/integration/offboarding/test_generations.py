"""A customer who left may come back: what happened before does not reach the new generation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db.tables import deletions, events
from cobalt_mirror.events import ConfigChanged, ConnectionRemoved, UserDeleted, UserSignedUp
from tests.world import World

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def sign_up(second: float, name: str | None = None, **more: Any) -> UserSignedUp:
    return UserSignedUp("ada", name=name, occurred_at=at(second), **more)


def deletion(second: float) -> UserDeleted:
    return UserDeleted("ada", occurred_at=at(second))


def change(second: float, value: str, slug: str = "slack") -> ConfigChanged:
    field = {"slack": "mention", "hubspot": "pipeline"}[slug]
    return ConfigChanged("ada", slug, fields={field: value}, occurred_at=at(second))


def test_a_sign_up_before_the_deletion_is_not_even_carried_out(world: World) -> None:
    events = [sign_up(1, "Ada"), deletion(2)]
    world.publish(*events)
    world.work_until_quiet()

    assert world.calls() == ["delete_account", "read_account", "read_account"]
    assert world.statuses(events) == ["superseded", "done"]
    assert world.row("linked_accounts")["status"] == "deleted"


def test_a_sign_up_after_the_deletion_begins_a_new_generation_that_is_not_deleted_again(world: World) -> None:
    world.publish(sign_up(0, "Old", udf={"plan": "old"}), change(0, "@old"))
    world.work_until_quiet()
    world.calls()
    events = [deletion(1), sign_up(2)]
    world.publish(*events)
    world.work_until_quiet()

    assert world.statuses(events) == ["done", "done"]
    assert world.calls() == ["delete_account", "read_account", "upsert_account", "read_account"]
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"ada": (None, {})}
    assert world.mirror()["configs"] == {}
    receipt = world.row("deletions")
    assert receipt["confirmed_at"] is None
    assert "new generation" in receipt["note"]


def test_old_events_do_not_reach_the_new_generation(world: World) -> None:
    world.publish(sign_up(0, "Old", udf={"plan": "old"}), change(1, "@old"))
    world.work_until_quiet()
    world.publish(deletion(10), sign_up(20, "New", udf={}), change(21, "@new"))
    world.work_until_quiet()
    late = [
        sign_up(5, "Late", auth_credentials={"a": "b"}),
        change(6, "@late"),
        change(12, "default", "hubspot"),
        ConnectionRemoved("ada", "slack", occurred_at=at(7)),
        ConnectionRemoved("ada", "slack", occurred_at=at(15)),
        deletion(8),
        sign_up(9.999999, "Just before"),
    ]
    world.calls()
    world.publish(*late)
    world.work_until_quiet()

    assert world.calls() == []
    assert set(world.statuses(late)) == {"superseded"}
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"ada": ("New", {})}
    assert world.mirror()["configs"]["ada", "slack", "ada"][0] == {"mention": "@new"}


def test_what_was_done_in_the_old_generation_is_no_reason_in_the_new_one(world: World) -> None:
    """A change that was done after the deletion, and came before it, would outlast an older one of the new one."""
    future = change(40, "@old")
    world.publish(sign_up(0, "Old"), future)
    world.work_until_quiet()
    world.publish(deletion(10))
    world.work_until_quiet()
    world.publish(sign_up(50, "New"), change(60, "@new"))
    world.work_until_quiet()

    assert world.mirror() == world.truth()
    assert world.mirror()["configs"]["ada", "slack", "ada"][0] == {"mention": "@new"}
    assert world.event(future)["payload"] == {}


def test_a_deletion_that_comes_after_a_newer_sign_up_is_done_leaves_the_new_generation_alone(world: World) -> None:
    world.publish(sign_up(0, "Old"), sign_up(20, "New", udf={}))
    world.work_until_quiet()
    late = deletion(10)
    world.publish(late)
    world.calls()
    world.work_until_quiet()

    row = world.event(late)
    assert (row["status"], row["move"]) == ("dead", "operator")
    assert world.calls() == []
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"ada": ("New", {})}


def test_connections_of_the_new_generation_wait_for_its_sign_up(world: World) -> None:
    world.publish(deletion(10))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(route="upsert_account", times=3))
    events = [sign_up(20, "New", udf={}), change(30, "@new")]
    world.publish(*events)
    world.calls()
    world.work_until_quiet()

    assert world.statuses(events) == ["done", "done"]
    assert world.calls()[:6] == [*["upsert_account"] * 4, "find_or_create_config", "replace_config"]
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("comes_at_once", [True, False])
@pytest.mark.parametrize("route", ["delete_account", "upsert_account"])
def test_a_new_generation_waits_until_no_delayed_write_can_land_in_it(
    world: World, route: str, comes_at_once: bool
) -> None:
    world.publish(sign_up(0, "Old", udf={}))
    world.work_until_quiet()
    late = Fault(answer=Answer.TIMEOUT, effect=Effect.LATER, later_seconds=50, route=route, times=1)
    world.sandbox.add_faults(late)
    world.publish(sign_up(1, "Older", udf={"plan": "old"}) if route == "upsert_account" else deletion(9))
    world.work()
    new = [sign_up(20, "New", udf={}), change(30, "@new")]
    world.publish(deletion(10), *(new if comes_at_once else []))
    world.work_until_quiet(patience=timedelta(seconds=10))
    if not comes_at_once:
        world.publish(*new)
    world.work_until_quiet()

    assert world.sandbox.late_effects() == 0
    assert world.statuses(new) == ["done", "done"]
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"ada": ("New", {})}
    assert world.mirror()["configs"]["ada", "slack", "ada"][0] == {"mention": "@new"}


def prune(world: World) -> None:
    """Delete all that is finished from the log: more than `cobalt-mirror prune` does."""
    with world.engine.begin() as connection:
        connection.execute(events.delete().where(events.c.finished_at.is_not(None)))


@pytest.mark.parametrize("comes_at_once", [True, False])
def test_a_generation_goes_on_when_the_sign_up_that_began_it_is_pruned(world: World, comes_at_once: bool) -> None:
    world.publish(sign_up(0, "Old", udf={}), deletion(10), *([sign_up(20, "New", udf={})] if comes_at_once else []))
    world.work_until_quiet()
    if not comes_at_once:
        world.publish(sign_up(20, "New", udf={}))
        world.work_until_quiet()
    prune(world)
    later = [change(30, "@new"), ConnectionRemoved("ada", "hubspot", occurred_at=at(31))]
    of_none = change(15, "@late", "hubspot")
    world.publish(*later, of_none)
    world.work_until_quiet()

    assert world.statuses([*later, of_none]) == ["done", "done", "superseded"]
    assert world.mirror()["configs"]["ada", "slack", "ada"][0] == {"mention": "@new"}
    assert world.mirror() == world.truth()


def test_a_generation_whose_sign_up_an_older_release_noted_nowhere_goes_on_too(world: World) -> None:
    world.publish(deletion(10), sign_up(20, "New", udf={}))
    world.work_until_quiet()
    prune(world)
    with world.engine.begin() as connection:
        connection.execute(deletions.update().values(begun_at=None, begun_number=None, begun_id=None))
    events_of_before_and_after = [change(9, "@old"), change(30, "@new")]
    world.publish(*events_of_before_and_after)
    world.work_until_quiet()

    assert world.statuses(events_of_before_and_after) == ["superseded", "done"]
    assert world.mirror() == world.truth()


def test_a_generation_that_ends_again_forgets_how_it_began(world: World) -> None:
    world.publish(deletion(10), sign_up(20, "New", udf={}))
    world.work_until_quiet()
    world.publish(deletion(30))
    world.work_until_quiet()
    prune(world)
    late = change(25, "@late")
    world.publish(late)
    world.work_until_quiet()

    assert world.row("deletions")["begun_at"] is None
    assert world.statuses([late]) == ["superseded"]
    assert world.truth()["accounts"] == {}


def test_a_generation_can_end_again(world: World) -> None:
    events = [sign_up(0, "A"), deletion(1), sign_up(2, "B"), change(3, "@b"), deletion(4), change(5, "@c")]
    for event in events:
        world.publish(event)
        world.work()
    world.work_until_quiet()

    assert world.row("linked_accounts")["status"] == "deleted"
    assert world.row("deletions")["event_id"] == events[4].id
    assert world.row("deletions")["confirmed_at"] is not None
    assert world.statuses(events) == ["done", "done", "done", "done", "done", "superseded"]
    assert world.truth()["accounts"] == {}


def test_a_refused_key_spends_neither_the_deletion_nor_the_new_generation(world: World) -> None:
    world.publish(sign_up(0, "Old"))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(status=401))
    events = [deletion(1), sign_up(2, "New")]
    world.publish(*events)
    world.work()
    assert world.statuses(events) == ["pending", "pending"]
    assert [world.event(each)["attempts"] for each in events] == [0, 0]
    assert world.row("linked_accounts")["status"] == "active"

    world.sandbox.clear_faults()
    world.clock.pass_time(61)
    world.work_until_quiet()
    assert world.statuses(events) == ["done", "done"]
    assert world.mirror() == world.truth()
