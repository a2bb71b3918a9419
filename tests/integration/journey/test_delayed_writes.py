"""Writes whose answers never came: they may land late, or have landed unseen; the mirror finds out in the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db.checks import finish_check, record_check
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from tests.effort import tries
from tests.integration.journey.replay import check_history
from tests.integration.journey.stories import Stage, Story, stories
from tests.world import World


def late(route: str, seconds: float = 50.0) -> Fault:
    return Fault(answer=Answer.TIMEOUT, effect=Effect.LATER, later_seconds=seconds, route=route, times=1)


def lost(route: str) -> Fault:
    return Fault(answer=Answer.TIMEOUT, effect=Effect.DONE, route=route, times=1)


@pytest.fixture
def acme(world: World) -> World:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.calls()
    return world


def assert_agreement(world: World) -> None:
    assert world.sandbox.late_effects() == 0
    assert world.rows("checks") == []
    assert world.rows("events", status="pending") == world.rows("events", status="dead") == []
    assert world.mirror() == world.truth()
    check_history(world)


def test_a_change_that_lands_after_a_newer_one_shows_in_the_mirror(acme: World) -> None:
    acme.sandbox.add_faults(late("replace_config"))
    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@late"}))
    acme.work()
    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@newer"}))
    acme.work()
    assert acme.row("configs")["fields"] == {"mention": "@newer"}

    acme.work_until_quiet()
    assert acme.row("configs")["fields"] == {"mention": "@late"}
    assert_agreement(acme)


@pytest.mark.parametrize("fault", [late("find_or_create_config"), lost("find_or_create_config")])
def test_a_config_that_came_to_be_unseen_is_found(acme: World, fault: Fault) -> None:
    acme.sandbox.add_faults(fault)
    change = ConfigChanged("acme", "slack", fields={"mention": "@a"})
    acme.publish(change)
    acme.work()
    acme.publish(ConnectionRemoved("acme", "slack"))
    acme.work()
    assert acme.event(change)["status"] == "superseded"

    acme.work_until_quiet()
    assert_agreement(acme)


def test_a_removal_takes_the_config_along_that_nobody_saw_come_to_be(acme: World) -> None:
    acme.sandbox.add_faults(lost("find_or_create_config"))
    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@a"}))
    acme.work()
    acme.publish(ConnectionRemoved("acme", "slack"))
    acme.work()

    assert acme.truth()["configs"] == {}


def test_a_disconnect_that_lands_after_a_reconnect_shows_in_the_mirror(acme: World) -> None:
    acme.sandbox.connect("acme", "slack")
    acme.publish(ConnectionAuthorized("acme", "slack"))
    acme.work_until_quiet()
    acme.sandbox.add_faults(late("delete_integration"))
    acme.publish(ConnectionRemoved("acme", "slack"))
    acme.work_until_quiet()
    acme.clock.pass_time(5)
    acme.sandbox.connect("acme", "slack")
    acme.publish(ConnectionAuthorized("acme", "slack"))
    acme.work_until_quiet()

    assert_agreement(acme)


@pytest.mark.parametrize("left_out", ["kept", "cleared"])
@pytest.mark.parametrize("slug", ["slack", None])
def test_an_upsert_that_lands_after_a_sign_up_shows_in_the_mirror(
    make_world: Callable[..., World], slug: str | None, left_out: str
) -> None:
    world = make_world(sandbox_settings={"upsert_left_out": left_out})
    world.sandbox.add_faults(late("upsert_account"))
    world.publish(
        UserSignedUp("acme", name="Old", udf={})
        if slug is None
        else ConfigChanged("acme", slug, fields={"mention": "@a"})
    )
    world.work()
    world.publish(UserSignedUp("acme", name="New", udf={"plan": "pro"}))
    world.work()
    assert world.row("linked_accounts")["name"] == "New"

    world.work_until_quiet()
    assert_agreement(world)


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_late_look_is_taken_although_only_old_news_came(make_world: Callable[..., World], is_refused: bool) -> None:
    """A look that is due is not spent on events that need no call."""
    world = make_world()
    world.sandbox.add_faults(late("upsert_account"))
    old = UserSignedUp("acme", name="Old", udf={})
    world.publish(old)
    world.work()
    world.publish(UserSignedUp("acme", name="New", udf={}))
    world.work()
    world.clock.pass_time(100)
    if is_refused:
        world.sandbox.add_faults(Fault(status=400, route="upsert_account"))
        world.publish(*(UserSignedUp("acme", name=f"Refused {n}", udf={}) for n in range(2)))
    else:
        world.publish(UserSignedUp("acme", name="Older", udf={}, occurred_at=old.occurred_at.replace(year=2020)))
    world.work_until_quiet()

    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"]["acme"][0] == "Old"


def test_wishes_to_look_are_kept_at_both_ends(world: World) -> None:
    began = world.clock()
    with world.engine.begin() as connection:
        for seconds in (60, 30, 10, 90, 50):
            due_at = began + timedelta(seconds=seconds)
            record_check(connection, "acme", "slack", due_at=due_at, reason="a wish")
    row = world.row("checks")
    assert [row["due_at"], row["again_at"]] == [began + timedelta(seconds=seconds) for seconds in (10, 90)]

    with world.engine.begin() as connection:
        finish_check(connection, "acme", "slack", read_since=began + timedelta(seconds=20))
    assert world.row("checks")["due_at"] == began + timedelta(seconds=90)
    with world.engine.begin() as connection:
        finish_check(connection, "acme", "slack", read_since=began + timedelta(seconds=91))
    assert world.rows("checks") == []


#: No answer comes, and what was asked for happens within a minute, or at once, or never.
faults = st.builds(
    Fault,
    answer=st.sampled_from([Answer.TIMEOUT, Answer.CLOSED, Answer.ERROR, Answer.HTML]),
    effect=st.sampled_from([Effect.LATER, Effect.LATER, Effect.LATER, Effect.DONE, Effect.NONE]),
    later_seconds=st.sampled_from([1.0, 3.0, 10.0, 40.0, 59.0]),
    method=st.sampled_from(["POST", "PUT", "DELETE"]),
    times=st.just(1),
)


@pytest.fixture(scope="module")
def stage(make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage({"upsert_left_out": "cleared"})


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), chosen=st.lists(faults, min_size=1, max_size=6))
def test_once_all_is_quiet_the_mirror_shows_what_landed(stage: Stage, story: Story, chosen: list[Fault]) -> None:
    world = stage.world
    is_first = True

    def through(work: Callable[[], None]) -> bool:
        nonlocal is_first
        if is_first:
            world.sandbox.add_faults(*chosen)
        is_first = False
        work()
        return True

    mirror, truth = stage.perform(story, story.batches, through=through)

    assert world.rows("checks") == []
    assert mirror["configs"] == truth["configs"]
    for kind in ("accounts", "connections"):  # the mirror knows what events were about, and nothing else
        assert mirror[kind].items() <= truth[kind].items()
    check_history(world)
