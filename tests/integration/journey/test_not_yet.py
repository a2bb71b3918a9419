"""An authorisation that Cobalt does not show yet is looked at again a few times before that is believed."""

import itertools
from datetime import timedelta

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from tests.world import World


@pytest.fixture
def acme(world: World) -> World:
    """A world with one customer who is connected to nothing."""
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.calls()
    return world


def pass_until_due(world: World) -> float:
    """Let time pass to the next look.

    Returns:
        The seconds that passed.
    """
    next_due = world.next_due()
    assert next_due is not None
    seconds = (next_due - world.clock()).total_seconds() + 0.001
    world.clock.pass_time(seconds)
    return seconds


def test_it_is_looked_at_after_2_5_and_15_seconds_and_then_believed(acme: World) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    waits = []
    while acme.event(event)["status"] == "pending":
        waits.append(pass_until_due(acme))
        acme.work()

    assert [round(passed) for passed in itertools.accumulate(waits)] == [2, 5, 15]
    assert acme.calls() == ["read_application"] * 4
    row = acme.event(event)
    assert (row["status"], row["detail"], row["attempts"]) == ("done", "Cobalt shows no such connection", 0)
    assert acme.rows("connections") == []


@pytest.mark.parametrize("look", [1, 2, 3])
def test_what_a_later_look_shows_is_mirrored(acme: World, look: int) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    for _ in range(look - 1):
        pass_until_due(acme)
        acme.work()
    acme.sandbox.connect("acme", "slack")
    pass_until_due(acme)
    acme.work()

    assert acme.calls() == [*["read_application"] * (look + 1), "find_or_create_config"]
    assert acme.event(event)["status"] == "done"
    assert acme.row("connections")["status"] == "connected"
    assert acme.mirror() == acme.truth()


def test_another_event_in_between_uses_up_no_look(acme: World) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    for _ in range(2):
        pass_until_due(acme)
        acme.work()
    before = acme.event(event)
    for number in range(4):
        acme.publish(
            ConnectionAuthorized("acme", "slack", auth_type="oauth2")
            if number % 2
            else ConfigChanged("acme", "slack", fields={"mention": f"@{number}"})
        )
        acme.work()

    row = acme.event(event)
    assert (row["status"], row["looks"], row["due_at"]) == ("pending", 3, before["due_at"])
    acme.clock.pass_time((row["due_at"] - acme.clock()).total_seconds() + 0.001)
    acme.work()
    assert acme.event(event)["status"] == "done"


def test_a_change_that_comes_in_between_brings_a_connection_that_shows_by_then(acme: World) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    acme.sandbox.connect("acme", "slack")
    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@a"}))
    acme.work()

    assert acme.event(event)["status"] == "done"
    assert acme.mirror() == acme.truth()


@pytest.mark.parametrize(("age_seconds", "status"), [(29, "pending"), (31, "done")])
def test_an_old_authorisation_is_believed_at_once(acme: World, age_seconds: float, status: str) -> None:
    acme.insert_by_hand(
        id="old",
        type="connection_authorized",
        linked_account_id="acme",
        slug="slack",
        recorded_at=acme.clock() - timedelta(seconds=age_seconds),
    )
    acme.work()

    assert acme.calls() == ["read_application"]
    assert acme.row("events", id="old")["status"] == status


def test_an_authorisation_of_one_kind_waits_for_that_kind(acme: World) -> None:
    acme.sandbox.connect("acme", "hubspot", auth_type="oauth2")
    shown, hidden = (ConnectionAuthorized("acme", "hubspot", auth_type=kind) for kind in ("oauth2", "keybased"))
    acme.publish(shown, hidden)
    acme.work()
    assert acme.statuses([shown, hidden]) == ["done", "pending"]

    acme.sandbox.connect("acme", "hubspot", auth_type="keybased")
    acme.work_until_quiet()
    assert acme.event(hidden)["status"] == "done"
    assert acme.mirror() == acme.truth()


def test_a_later_removal_ends_the_waiting(acme: World) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    acme.publish(ConnectionRemoved("acme", "slack"))
    acme.work_until_quiet()

    assert acme.event(event)["status"] == "superseded"
    assert acme.rows("events", status="pending") == []


def test_looks_stay_counted_through_an_outage(acme: World) -> None:
    event = ConnectionAuthorized("acme", "slack")
    acme.publish(event)
    acme.work()
    acme.sandbox.connect("acme", "slack")
    acme.sandbox.add_faults(Fault(times=3))
    acme.work_until_quiet()

    row = acme.event(event)
    assert (row["status"], row["looks"], row["attempts"]) == ("done", 1, 3)
    assert acme.mirror() == acme.truth()


@pytest.mark.parametrize("is_removed_first", [True, False])
def test_what_is_still_connected_gets_its_config_whenever_another_kind_was_removed(
    acme: World, is_removed_first: bool
) -> None:
    for kind in ("oauth2", "keybased"):
        acme.sandbox.connect("acme", "hubspot", auth_type=kind)
    now = acme.clock()
    authorized = ConnectionAuthorized("acme", "hubspot", auth_type="oauth2", occurred_at=now)
    removed = ConnectionRemoved("acme", "hubspot", auth_type="oauth2", occurred_at=now + timedelta(seconds=1))
    for event in (removed, authorized) if is_removed_first else (authorized, removed):
        acme.publish(event)
        acme.work_until_quiet()

    assert acme.statuses([authorized, removed]) == ["done", "done"]
    assert [row["status"] for row in acme.rows("configs")] == ["installed"]
    assert acme.mirror() == acme.truth()
