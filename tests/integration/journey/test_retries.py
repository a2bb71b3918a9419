"""What waits and tries again: growing delays, no attempt spent on waiting, dead only when days have passed."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from tests.integration.journey.replay import check_history
from tests.world import World


def sign_up(account: str = "acme") -> UserSignedUp:
    return UserSignedUp(account, name="Acme", udf={})


def fail_again(world: World, event: Event) -> float:
    """Let time pass to the next attempt, which fails.

    Returns:
        The seconds until the one after it.
    """
    now = world.clock()
    world.clock.stop_at(now)
    world.work()
    world.clock.resume()
    row = world.event(event)
    assert row["status"] == "pending"
    wait: float = (row["due_at"] - now).total_seconds()
    world.clock.pass_time(wait + 0.001)
    return wait


def test_delays_double_up_to_the_cap_and_attempts_are_counted(make_world: Callable[..., World]) -> None:
    world = make_world(options={"retry_base_seconds": 2, "retry_cap_seconds": 60})
    world.sandbox.add_faults(Fault())
    event = sign_up()
    world.publish(event)
    waits = [fail_again(world, event) for _ in range(8)]

    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]  # the jitter of tests is none
    row = world.event(event)
    assert (row["attempts"], row["move"]) == (8, "provider")
    assert "500" in row["last_error"]
    assert world.calls() == ["upsert_account"] * 8


def test_a_look_that_is_wanted_does_not_hurry_what_failed(make_world: Callable[..., World]) -> None:
    world = make_world(options={"retry_base_seconds": 2, "retry_cap_seconds": 900, "delayed_write_seconds": 10})
    world.sandbox.add_faults(Fault())
    event = sign_up()
    world.publish(event)
    world.work_until_quiet(patience=timedelta(hours=1))

    assert world.event(event)["attempts"] == len(world.calls()) == 12  # 2 + 4 + ... + 512 seconds, then 900 each
    world.sandbox.clear_faults()
    world.work_until_quiet()
    assert world.rows("checks") == []
    assert world.mirror() == world.truth()


def test_nothing_is_tried_before_it_is_due(world: World) -> None:
    world.sandbox.add_faults(Fault())
    world.publish(sign_up())
    world.work()
    world.calls()
    world.work()
    world.clock.pass_time(1)
    world.work()

    assert world.calls() == []
    assert world.due_accounts() == []


@pytest.mark.parametrize(("retry_after", "seconds"), [("seconds", 1.0), ("absent", 1.0)])
def test_a_rate_limit_is_waited_out_and_spends_no_attempt(
    make_world: Callable[..., World], retry_after: str, seconds: float
) -> None:
    world = make_world(sandbox_settings={"retry_after": retry_after})
    world.sandbox.add_faults(Fault(answer=Answer.THROTTLE, times=20))
    event = sign_up()
    world.publish(event)
    waits = [fail_again(world, event) for _ in range(20)]
    assert max(waits) <= seconds
    world.work_until_quiet()

    row = world.event(event)
    assert (row["status"], row["attempts"], row["retrying_since"]) == ("done", 0, None)
    assert world.mirror() == world.truth()


def test_after_days_without_success_an_event_is_dead_and_the_provider_must_act(
    make_world: Callable[..., World],
) -> None:
    world = make_world(options={"retry_cap_seconds": 6 * 3600})
    world.sandbox.add_faults(Fault())
    event = sign_up()
    world.publish(event)
    began = world.clock()
    world.work_until_quiet(patience=timedelta(days=4))  # a look that is wanted is never given up

    row = world.event(event)
    assert (row["status"], row["move"]) == ("dead", "provider")
    assert row["attempts"] > 20
    waited = row["finished_at"] - began
    assert timedelta(days=3) < waited < timedelta(days=3, hours=7)


def test_a_dead_event_does_not_block_the_ones_after_it(make_world: Callable[..., World]) -> None:
    world = make_world(options={"retry_give_up_days": 0.01})
    world.sandbox.add_faults(Fault())
    dead, fine = sign_up(), ConfigChanged("acme", "slack", fields={"mention": "@a"})
    world.publish(dead)
    world.work_until_quiet(patience=timedelta(days=0.1))
    world.sandbox.clear_faults()
    world.publish(fine)
    world.work_until_quiet()

    assert world.statuses([dead, fine]) == ["dead", "done"]
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(),
        Fault(answer=Answer.TIMEOUT),
        Fault(answer=Answer.CLOSED),
        Fault(answer=Answer.HTML, status=503),
        Fault(answer=Answer.HTML, status=200),
        Fault(answer=Answer.TRUNCATED),
    ],
    ids=lambda fault: f"{fault.answer}-{fault.status.value}",
)
def test_an_outage_kills_no_event(world: World, fault: Fault) -> None:
    """A quarter of an hour with each fault; a whole hour is in test_outages.py."""
    early = [sign_up(f"early-{number}") for number in range(3)]
    world.publish(*early)
    world.work_until_quiet()
    world.sandbox.connect("early-0", "slack")
    world.sandbox.add_faults(fault)
    events: list[Event] = [
        ConnectionAuthorized("early-0", "slack"),
        ConfigChanged("early-1", "slack", fields={"mention": "@a"}),
        ConnectionRemoved("early-2", "slack"),
        *(sign_up(f"late-{number}") for number in range(3)),
    ]
    world.publish(*events)
    world.work_until_quiet(patience=timedelta(minutes=15))
    if fault.answer is not Answer.TRUNCATED:  # those had their effect
        assert set(world.statuses(events)) == {"pending"}
    world.sandbox.clear_faults()
    world.work_until_quiet(patience=timedelta(minutes=16))

    assert world.statuses(events) == ["done"] * 6
    assert world.rows("checks") == []
    assert world.mirror() == world.truth()
    check_history(world)


def test_one_customers_broken_application_leaves_the_others_alone(world: World) -> None:
    world.publish(sign_up())
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(slug="slack"))
    broken = ConfigChanged("acme", "slack", fields={"mention": "@a"})
    fine = [ConfigChanged("acme", "hubspot", fields={"pipeline": "default"}), sign_up(), sign_up("bolt")]
    world.publish(broken, *fine)
    world.work()

    assert world.statuses([broken, *fine]) == ["pending", *["done"] * 3]


def test_a_second_delivery_of_anything_costs_no_call(world: World) -> None:
    now = datetime.now(UTC)
    events: list[Event] = [
        sign_up(),
        ConnectionAuthorized("acme", "slack"),
        ConfigChanged("acme", "slack", fields={"mention": "@a"}),
        ConnectionRemoved("acme", "slack", occurred_at=now),
        ConnectionAuthorized("acme", "hubspot"),
        ConfigChanged("acme", "hubspot", config_id="second", fields={"pipeline": "default"}),
    ]
    for number, event in enumerate(events):
        if isinstance(event, ConnectionAuthorized):
            world.sandbox.connect("acme", event.slug)
        assert [receipt.is_new for receipt in world.publish(event)] == [True]
        world.work_until_quiet()
        before = stored(world)
        world.calls()
        receipts = world.publish(*events[: number + 1])  # the same rows again
        for _ in range(3):  # and messages without a reason
            world.attempts.attempt("acme")
        world.work_until_quiet()

        assert [receipt.is_new for receipt in receipts] == [False] * (number + 1)
        assert world.calls() == []
        assert stored(world) == before
    assert world.mirror() == world.truth()


def stored(world: World) -> dict[str, Any]:
    names = ("linked_accounts", "connections", "configs", "events", "history", "checks", "work")
    return {name: world.rows(name) for name in names}


def test_the_history_of_a_whole_life_gives_the_rows_of_the_mirror(world: World) -> None:
    world.sandbox.add_faults(Fault(times=1))
    world.publish(sign_up())
    world.work()
    assert world.row("linked_accounts")["status"] == "pending"
    world.work_until_quiet()
    world.sandbox.connect("acme", "hubspot", auth_type="oauth2")
    world.sandbox.connect("acme", "hubspot", auth_type="keybased")
    world.catalogue.refresh()
    for event in (
        ConnectionAuthorized("acme", "hubspot"),
        UserSignedUp("acme", name="Acme Inc", udf={"plan": "pro"}),
        ConfigChanged("acme", "hubspot", fields={"pipeline": "default"}),
        ConfigChanged("acme", "hubspot", config_id="second", fields={"lists": ["newsletter"]}),
        ConfigChanged("acme", "hubspot", fields={"pipeline": None}),
        ConnectionRemoved("acme", "hubspot", auth_type="keybased"),
        ConnectionRemoved("acme", "hubspot"),
        ConfigChanged("acme", "hubspot", fields={"pipeline": "enterprise"}),
    ):
        world.publish(event)
        world.work_until_quiet()

    check_history(world)
    assert world.mirror() == world.truth()
    told = {one["id"] for row in world.rows("history") for one in row["because"].get("events", ())}
    assert told == {row["id"] for row in world.rows("events")}


def test_an_older_change_waits_while_no_key_opens_a_newer_one_that_is_done(world: World) -> None:
    happened = datetime.now(UTC)
    world.publish(ConfigChanged("acme", "slack", fields={"mention": "@new"}, occurred_at=happened))
    world.work_until_quiet()
    late = ConfigChanged("acme", "slack", fields={"mention": "@old"}, occurred_at=happened - timedelta(minutes=1))
    world.publish(late)
    without = dataclasses.replace(world.attempts, vault=Vault.from_keys(Fernet.generate_key().decode()))
    without.attempt("acme")

    assert world.event(late)["status"] == "pending"
    assert "MIRROR_SECRET_KEYS" in world.event(late)["last_error"]
    world.work_until_quiet()
    assert world.row("configs")["fields"]["mention"] == "@new"
    assert world.mirror() == world.truth()
