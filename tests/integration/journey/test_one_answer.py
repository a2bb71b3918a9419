"""One answer is no proof: what Cobalt does not show is looked at again before anything is dead, missing or gone."""

import json
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Fault, SandboxTransport
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from cobalt_mirror.workers.ops.overview import read_overview
from tests.integration.journey.customers import ACCOUNT, Customer
from tests.world import World

CUSTOMERS = ["a", "b", "c", "d", "e"]
DENIES: dict[str, Any] = {"method": "GET", "status": HTTPStatus.BAD_REQUEST, "error": "INVALID_LINKED_ACCOUNT_ID"}


@pytest.fixture
def customers(world: World) -> World:
    """A world with five customers who are connected to slack."""
    world.publish(*(UserSignedUp(customer, name=customer, udf={}) for customer in CUSTOMERS))
    world.work_until_quiet()
    for customer in CUSTOMERS:
        world.sandbox.connect(customer, "slack")
    world.calls()
    return world


def authorise(world: World, *customers: str) -> list[Event]:
    events: list[Event] = [ConnectionAuthorized(customer, "slack") for customer in customers]
    world.publish(*events)
    return events


def account_statuses(world: World) -> list[str]:
    return [row["status"] for row in world.rows("linked_accounts")]


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_that_one_answer_denies_is_looked_for_at_once(customers: World) -> None:
    customers.sandbox.add_faults(Fault(route="read_application", times=1, **DENIES))
    events = authorise(customers, "a")
    customers.work()

    assert customers.statuses(events) == ["done"]
    assert customers.calls()[:3] == ["read_application", "read_account", "read_application"]
    customers.work_until_quiet()
    assert account_statuses(customers) == ["active"] * 5


def test_an_account_that_a_check_does_not_find_is_looked_for_again(customers: World) -> None:
    customers.sandbox.add_faults(Fault(route="read_account", linked_account_id="a", times=1, **DENIES))
    customers.publish(UserSignedUp("a"))
    customers.work_until_quiet()

    assert account_statuses(customers) == ["active"] * 5
    assert customers.rows("denials") == []
    assert {row["name"] for row in customers.sandbox.state()["accounts"]} == set(CUSTOMERS)


@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_when_all_accounts_are_denied_it_is_an_outage(customers: World, seconds: float) -> None:
    customers.sandbox.add_faults(Fault(**DENIES))
    events = authorise(customers, *CUSTOMERS)
    customers.work_for(seconds)
    assert set(customers.statuses(events)) == {"pending"}
    assert account_statuses(customers) == ["active"] * 5
    assert {row["linked_account_id"] for row in customers.rows("denials")} == set(CUSTOMERS)

    assert any("5 of 5 accounts" in warning for warning in read_overview(customers.engine).warnings)

    customers.sandbox.clear_faults()
    customers.work_until_quiet()
    assert not any("accounts" in warning for warning in read_overview(customers.engine).warnings)
    assert set(customers.statuses(events)) == {"done"}
    assert customers.mirror() == customers.truth()
    assert customers.rows("denials") == []


def test_an_account_that_is_gone_is_missing_after_a_few_looks(customers: World) -> None:
    customers.sandbox.delete_account("a")
    change = ConfigChanged("a", "slack", fields={"channel": "x"})
    customers.publish(change)
    customers.work_for(14)
    assert customers.event(change)["status"] == "pending"
    assert account_statuses(customers) == ["active"] * 5

    customers.work_for(2)
    row = customers.event(change)
    assert (row["status"], row["move"], row["attempts"]) == ("dead", "operator", 1)
    assert account_statuses(customers) == ["missing", *["active"] * 4]
    customers.work_until_quiet()
    assert account_statuses(customers)[0] == "missing"
    assert customers.rows("checks") == []


def test_what_was_written_off_is_carried_out_when_the_account_shows_again(customers: World) -> None:
    change = ConfigChanged("a", "slack", fields={"channel": "x"})
    customers.publish(change)
    customers.sandbox.add_faults(Fault(linked_account_id="a", answer="error", **{**DENIES, "method": None}))
    customers.work_for(20)
    assert customers.event(change)["status"] == "dead"
    assert account_statuses(customers)[0] == "missing"

    customers.sandbox.clear_faults()
    customers.work_until_quiet()
    row = customers.event(change)
    assert (row["status"], row["move"], row["last_error"], row["unseen"]) == ("done", None, None, None)
    assert account_statuses(customers) == ["active"] * 5
    assert customers.mirror()["configs"] == customers.truth()["configs"]


def test_a_removal_is_not_done_because_the_account_was_denied(customers: World) -> None:
    authorise(customers, *CUSTOMERS)
    customers.work_until_quiet()
    customers.sandbox.add_faults(Fault(linked_account_id="a", **DENIES))
    removal = ConnectionRemoved("a", "slack")
    customers.publish(removal)
    customers.work_for(5)
    assert customers.event(removal)["status"] == "pending"

    customers.sandbox.clear_faults()
    customers.work_until_quiet()
    assert customers.event(removal)["status"] == "done"
    assert "a" not in {row["linked_account_id"] for row in customers.sandbox.state()["connections"]}
    assert customers.mirror() == customers.truth()


# --- applications and connections -------------------------------------------------------------------------------------


def test_an_application_that_one_answer_denies_is_looked_at_again(customers: World) -> None:
    unknown = {"status": HTTPStatus.NOT_FOUND, "error": "EXTERNAL_API_FAILURE"}
    customers.sandbox.add_faults(Fault(route="read_application", times=3, **unknown))
    events = authorise(customers, "a")
    customers.work_until_quiet()

    assert customers.statuses(events) == ["done"]
    assert customers.mirror()["configs"]


def test_an_application_that_was_not_enabled_gets_its_events_when_it_is(world: World) -> None:
    customer = Customer(world)
    world.sandbox.disable_application("slack")
    change = customer.changes("slack", fields={"channel": "x"})
    world.work_until_quiet()
    row = world.event(change)
    assert (row["status"], row["move"], row["unseen"]) == ("dead", "operator", "application")

    world.sandbox.enable_application("slack")
    customer.connect("slack")
    customer.deliver(customer.notifications())
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.mirror() == world.truth()


def test_an_authorisation_that_came_to_nothing_counts_when_the_connection_shows(world: World) -> None:
    customer = Customer(world)
    event = customer.authorised("slack")
    world.work_until_quiet()
    assert customer.detail(event) == ("done", "Cobalt shows no such connection")

    customer.connect("slack")
    customer.deliver(customer.notifications())
    world.work_until_quiet()
    assert customer.detail(event) == ("done", None)
    assert [row["status"] for row in world.rows("configs")] == ["installed"]
    assert world.mirror() == world.truth()


class Forgetful(httpx.BaseTransport):
    """Answers for an application as if nothing were connected, so many times."""

    def __init__(self, world: World, times: int) -> None:
        self._inner, self._times = SandboxTransport(world.sandbox), times

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if self._times == 0 or not request.url.path.endswith("/application/slack"):
            return response
        self._times -= 1
        return httpx.Response(200, json={**json.loads(response.read()), "connected": False, "connected_accounts": []})


@pytest.mark.parametrize(("times", "statuses"), [(3, {"connected"}), (100, {"connected", "disconnected"})])
def test_an_answer_without_the_connection_must_agree_with_the_accounts_own(
    times: int, statuses: set[str], world: World
) -> None:
    customer = Customer(world)
    customer.settle("slack", "oauth2")
    url = "http://sandbox.test"
    with Client(world.key, base_url=url, transport=Forgetful(world, times)) as client:
        world.attempts, honest = replace(world.attempts, client=client), world.attempts
        customer.read_again("slack")
        world.attempts = honest

    shown = [entry["changes"]["status"] for entry in world.rows("history", what="connection")]
    assert {status for change in shown for status in change if status} == statuses
    customer.read_again("slack")
    assert world.mirror() == world.truth()


# --- reads that lag behind --------------------------------------------------------------------------------------------


def hint(customer: Customer) -> None:
    """Deliver what Cobalt notifies, and work in the same moment."""
    customer.deliver(customer.notifications())
    customer.world.work()


def test_what_a_notification_says_is_looked_at_until_it_shows(late: Customer) -> None:
    world, seen = late.world, []
    for happen in (world.sandbox.connect, world.sandbox.expire_connection, world.sandbox.disconnect):
        happen(ACCOUNT, "slack")
        hint(late)
        at_first = [row["status"] for row in world.rows("connections")]
        world.work_for(4)
        seen.append((at_first, [row["status"] for row in world.rows("connections")]))
        world.work_for(60)

    assert seen == [
        ([], ["connected"]),
        (["connected"], ["reauth_required"]),
        (["reauth_required"], ["disconnected"]),
    ]
    assert world.rows("checks") == []
    assert world.mirror() == world.truth()


def test_a_removal_of_what_does_not_show_yet_is_carried_out(late: Customer) -> None:
    late.connect("slack")
    late.world.clock.pass_time(0.5)
    removal = late.leaves("slack")
    late.world.work_until_quiet()

    assert late.connected("slack") == []
    assert late.detail(removal) == ("done", None)
    assert late.world.mirror() == late.world.truth()


def test_a_sign_up_that_does_not_show_yet_is_not_missing(late: Customer) -> None:
    late.publish(UserSignedUp("new", name="New", udf={}, occurred_at=late.world.clock()))
    late.world.work()
    change = ConfigChanged("new", "slack", fields={"channel": "x"}, occurred_at=late.world.clock())
    late.publish(change)
    late.world.work_until_quiet()

    assert late.world.event(change)["status"] == "done"
    assert [row["status"] for row in late.world.rows("linked_accounts")] == ["active", "active"]
    assert late.world.mirror() == late.world.truth()


def test_an_older_answer_is_corrected(late: Customer) -> None:
    late.connect("slack")
    late.world.clock.pass_time(3)
    late.authorised("slack")
    late.world.work()
    assert late.world.row("connections")["status"] == "connected"

    removal = late.leaves("slack")
    late.world.work()
    assert late.detail(removal) == ("done", None)
    assert late.world.row("connections")["status"] == "disconnected"
    late.world.clock.pass_time(0.1)
    late.deliver(late.notifications())
    late.world.work()  # reads how it was before the removal
    late.world.work_until_quiet()

    assert late.world.row("connections")["status"] == "disconnected"
    assert late.world.mirror() == late.world.truth()
