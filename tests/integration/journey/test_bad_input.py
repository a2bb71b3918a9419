"""What becomes of bad input: nothing is lost, nothing half-written, and the row says what was wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from tests.world import World

REMOVAL = {"type": "connection_removed", "slug": "slack"}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"type": "user_vanished"}, "type"),
        ({"type": "user_signed_up", "payload": ["not", "an", "object"]}, "payload"),
        ({"type": "user_signed_up", "payload": {"udf": {"a": 1}}}, "udf.a"),
        ({"type": "user_signed_up", "payload": {"surprise": 1}}, "surprise"),
        ({"type": "user_signed_up", "payload": {"linked_account_id": "other"}}, "linked_account_id"),
        ({"type": "config_changed"}, "slug"),
        ({"type": "config_changed", "slug": "slack", "payload": {"fields": [1]}}, "fields"),
        ({"type": "user_signed_up", "linked_account_id": ""}, "linked_account_id"),
        ({"type": "user_signed_up", "payload": {"connection_id": "c1"}}, "connection_id: user_signed_up has no such"),
        ({**REMOVAL, "payload": {"connection_id": " "}}, "connection_id: must not be blank"),
        ({**REMOVAL, "payload": {"connection_id": "a\nb"}}, "connection_id: must not contain control characters"),
        ({**REMOVAL, "payload": {"connection_id": "c" * 201}}, "connection_id: String should have at most 200"),
        ({**REMOVAL, "payload": {"connection_id": 7}}, "connection_id: Input should be a valid string"),
    ],
)
def test_a_broken_row_inserted_by_hand_is_dead_and_hurts_nobody(
    world: World, values: dict[str, Any], reason: str
) -> None:
    good = UserSignedUp("acme", name="Acme", udf={})
    world.insert_around_the_rules(**{"id": "broken", "linked_account_id": "acme", **values})
    world.publish(good)
    world.work_until_quiet()

    row = world.row("events", id="broken")
    assert (row["status"], row["move"]) == ("dead", "operator")
    assert reason in row["last_error"]
    assert world.event(good)["status"] == "done"
    assert world.mirror() == world.truth()


def test_an_unknown_application_is_dead_and_the_operators_move(world: World) -> None:
    events = [
        UserSignedUp("acme", name="Acme", udf={}),
        ConnectionAuthorized("acme", "no_such_app"),
        ConfigChanged("acme", "no_such_app_either", fields={"a": 1}),
    ]
    world.publish(*events)
    world.work_until_quiet()

    assert world.statuses(events) == ["done", "dead", "dead"]
    for event in events[1:]:
        row = world.event(event)
        assert row["move"] == "operator"
        assert "no such application" in row["last_error"]


@pytest.mark.parametrize("is_config", [True, False])
def test_an_account_that_never_signed_up_is_created_first(world: World, is_config: bool) -> None:
    event = (
        ConfigChanged("acme", "slack", fields={"mention": "@a"}) if is_config else ConnectionAuthorized("acme", "slack")
    )
    world.publish(event)
    world.work_until_quiet()

    assert world.event(event)["status"] == "done"
    assert world.row("linked_accounts")["status"] == "active"
    assert world.calls()[1:3] == ["read_account", "upsert_account"]
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("account_exists", [True, False])
def test_a_removal_of_what_never_was_is_done_and_creates_nothing(world: World, account_exists: bool) -> None:
    if account_exists:
        world.publish(UserSignedUp("acme", name="Acme", udf={}))
        world.work_until_quiet()
    world.calls()
    event = ConnectionRemoved("acme", "slack")
    world.publish(event)
    world.work_until_quiet()

    expected = ["read_application"] * 4 if account_exists else ["read_application", "read_account"]
    assert world.calls() == expected
    assert world.event(event)["status"] == "done"
    assert world.rows("connections") == []
    assert len(world.truth()["accounts"]) == account_exists
    assert world.mirror() == world.truth()


def test_a_wrong_key_halts_spends_no_event_and_goes_on_when_mended(make_world: Callable[..., World]) -> None:
    world = make_world(key="tk_wrong")
    events = [UserSignedUp(f"account-{number}", name="A", udf={}) for number in range(3)]
    world.publish(*events)
    world.clock.stop_at(datetime.now(UTC))  # on a slow machine the next probe would be due already
    world.work()

    assert world.statuses(events) == ["pending"] * 3
    assert [world.event(event)["attempts"] for event in events] == [0, 0, 0]
    (halted,) = world.rows("state", key="halted")
    assert "COBALT_API_KEY" in halted["value"]["reason"]
    assert len(world.calls()) == 2  # the one that found out, and the probe that made sure

    world.work()
    assert world.calls() == []

    world.use_key("tk_sandbox")
    world.clock.resume()
    world.clock.pass_time(120)
    world.work()
    assert world.statuses(events) == ["done"] * 3
    assert world.rows("state", key="halted") == []
    assert world.mirror() == world.truth()


def test_a_key_of_the_other_environment_halts_before_any_call(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.calls()
    world.use_key("pk_sandbox")
    event = UserSignedUp("bolt", name="Bolt", udf={})
    world.publish(event)
    world.work()

    assert world.calls() == []
    assert world.event(event)["status"] == "pending"
    assert "test environment" in world.row("state", key="halted")["value"]["reason"]

    world.use_key("tk_sandbox")
    world.clock.pass_time(120)
    world.work()
    assert world.event(event)["status"] == "done"


def test_a_403_on_one_application_is_dead_and_nothing_is_halted(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(status=403, slug="slack"))
    refused, fine = ConfigChanged("acme", "slack", fields={"mention": "@a"}), ConfigChanged("acme", "github")
    world.publish(refused, fine)
    world.work_until_quiet()

    assert world.statuses([refused, fine]) == ["dead", "done"]
    assert world.event(refused)["move"] == "operator"
    assert "although it accepts the key for others" in world.event(refused)["last_error"]
    assert "check COBALT_API_KEY" not in world.event(refused)["last_error"]
    assert world.rows("state", key="halted") == []


def test_a_403_is_no_ones_fault_while_the_probe_fails_otherwise(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.add_faults(
        Fault(status=403, slug="slack", times=1), Fault(route="list_accounts", status=502, times=1)
    )
    change = ConfigChanged("acme", "slack", fields={"mention": "@a"})
    world.publish(change)
    world.work()

    row = world.event(change)
    assert (row["status"], row["move"], "502" in row["last_error"]) == ("pending", "provider", True)
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.rows("state", key="halted") == []


def test_one_refused_change_does_not_sink_the_others(world: World) -> None:
    good = [
        ConfigChanged("acme", "slack", fields={"mention": "@a"}),
        ConfigChanged("acme", "slack", fields={"channel": "general"}),
    ]
    bad = ConfigChanged("acme", "slack", workflows=[{"id": "slack_notify", "fields": {"digest": "not a boolean"}}])
    world.publish(good[0], bad, good[1])
    world.work_until_quiet()

    assert world.statuses(good) == ["done", "done"]
    assert (world.event(bad)["status"], world.event(bad)["move"]) == ("dead", "customer")
    assert world.row("configs")["fields"] == {"mention": "@a", "channel": "general"}
    assert world.mirror() == world.truth()


def test_an_account_deleted_at_cobalt_is_missing_and_only_a_sign_up_makes_it_anew(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    for slug in ("slack", "hubspot"):
        world.sandbox.connect("acme", slug)
        world.publish(ConnectionAuthorized("acme", slug))
    world.work_until_quiet()
    world.sandbox.delete_account("acme")
    change = ConfigChanged("acme", "slack", fields={"mention": "@a"})
    world.publish(change)
    world.work_until_quiet()

    assert (world.event(change)["status"], world.event(change)["move"]) == ("dead", "operator")
    assert world.row("linked_accounts")["status"] == "missing"
    assert world.mirror() == world.truth() == {"accounts": {}, "connections": {}, "configs": {}}
    assert world.rows("checks") == []

    world.publish(UserSignedUp("acme", name="Acme again", udf={}))
    world.work_until_quiet()
    assert world.row("linked_accounts")["status"] == "active"
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("is_removed_first", [True, False])
def test_a_refused_change_leaves_its_config_wherever_an_older_removal_comes(
    world: World, is_removed_first: bool
) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    now = world.clock()
    removed = ConnectionRemoved("acme", "slack", occurred_at=now)
    refused = ConfigChanged("acme", "slack", fields={"channel": 5}, occurred_at=now + timedelta(seconds=1))
    for event in (removed, refused) if is_removed_first else (refused, removed):
        world.publish(event)
        world.work_until_quiet()

    assert world.statuses([removed, refused]) == ["done", "dead"]
    assert [row["status"] for row in world.rows("configs")] == ["installed"]
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("number", [1, 2])
def test_an_older_removal_beside_a_refused_change_keeps_what_was_done(world: World, number: int) -> None:
    now = world.clock()
    done = ConfigChanged("acme", "slack", fields={"mention": "@a"}, occurred_at=now)
    world.publish(UserSignedUp("acme", name="Acme", udf={}), done)
    world.work_until_quiet()

    removed = ConnectionRemoved("acme", "slack", occurred_at=now - timedelta(seconds=1))
    refused = [
        ConfigChanged("acme", "slack", fields={"channel": 5}, occurred_at=now + timedelta(seconds=1 + n))
        for n in range(number)
    ]
    world.publish(removed, *refused)
    world.work_until_quiet()

    assert world.statuses([done, removed, *refused]) == ["done", "done", *["dead"] * number]
    [config] = world.rows("configs")
    assert (config["status"], config["fields"].get("mention")) == ("installed", "@a")
    assert world.mirror() == world.truth()


def test_a_removal_of_an_account_that_nobody_signed_up_outlasts_older_news(world: World) -> None:
    now = world.clock()
    removed = ConnectionRemoved("acme", "slack", occurred_at=now)
    world.publish(removed)
    world.work_until_quiet()
    older = [
        ConnectionAuthorized("acme", "slack", occurred_at=now - timedelta(seconds=1)),
        ConfigChanged("acme", "slack", fields={"mention": "@a"}, occurred_at=now - timedelta(seconds=1)),
    ]
    world.publish(*older)
    world.work_until_quiet()

    assert world.statuses([removed, *older]) == ["done", "superseded", "superseded"]
    assert world.rows("configs") == []
    assert world.mirror() == world.truth()
    assert world.row("linked_accounts")["status"] == "active"
