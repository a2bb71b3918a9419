"""One answer is no proof: an application that Cobalt denies for a while."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.tables import applications
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from tests.integration.journey.customers import Customer
from tests.world import World

CUSTOMERS = ["a", "b", "c", "d", "e"]
UNKNOWN: dict[str, Any] = {"status": HTTPStatus.NOT_FOUND, "error": "EXTERNAL_API_FAILURE"}
#: The calls that answer so about an application.
ROUTES = ["read_application", "find_or_create_config", "list_configs", "delete_integration"]


@pytest.fixture
def customers(world: World) -> World:
    """A world with five customers who are connected to slack."""
    world.publish(*(UserSignedUp(customer, name=customer, udf={}) for customer in CUSTOMERS))
    world.work_until_quiet()
    for customer in CUSTOMERS:
        world.sandbox.connect(customer, "slack")
    return world


def deny(world: World) -> None:
    """Let Cobalt answer as if it had no application."""
    world.sandbox.add_faults(*(Fault(route=route, **UNKNOWN) for route in ROUTES))


def forget_catalogue(world: World) -> None:
    """Let the mirror know no application, as before the first read of the catalogue."""
    with world.engine.begin() as connection:
        connection.execute(applications.delete())


#: What each customer does while Cobalt denies the application.
DOES = [
    pytest.param(lambda customer: ConnectionAuthorized(customer, "slack"), id="authorises it"),
    pytest.param(lambda customer: ConfigChanged(customer, "slack", fields={"mention": "@z"}), id="changes its config"),
    pytest.param(lambda customer: ConnectionRemoved(customer, "slack"), id="removes it"),
]


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("does", DOES)
def test_an_application_that_the_catalogue_shows_is_not_unknown(customers: World, does: Any) -> None:
    customers.publish(*(ConnectionAuthorized(customer, "slack") for customer in CUSTOMERS))
    customers.work_until_quiet()
    deny(customers)
    events: list[Event] = [does(customer) for customer in CUSTOMERS]
    customers.publish(*events)
    customers.work_for(20)
    rows = [customers.event(event) for event in events]
    assert {(row["status"], row["move"]) for row in rows} == {("pending", "provider")}
    assert all(
        "Cobalt shows this application in one answer, and denies it in another" in row["last_error"] for row in rows
    )

    customers.sandbox.clear_faults()
    customers.work_until_quiet(patience=timedelta(seconds=60))
    assert set(customers.statuses(events)) == {"done"}
    assert customers.mirror() == customers.truth()


def test_an_application_that_is_disabled_is_dead_once_the_catalogue_lacks_it_twice(customers: World) -> None:
    customers.sandbox.disable_application("slack")
    event = ConnectionAuthorized("a", "slack")
    customers.publish(event)
    customers.work_for(120)

    row = customers.event(event)
    assert (row["status"], row["move"], row["unseen"]) == ("dead", "operator", "application")
    assert "no such application; check the slug and that it is enabled in Cobalt" in row["last_error"]
    assert "in one answer" not in row["last_error"]
    assert customers.row("applications", slug="slack")["enabled"] is False
    customers.work_until_quiet()
    assert customers.event(event)["status"] == "dead"
    assert customers.rows("checks") == []


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_what_died_for_an_unknown_application_is_looked_at_once_more(customers: World) -> None:
    forget_catalogue(customers)
    deny(customers)
    event = ConnectionAuthorized("a", "slack")
    customers.publish(event)
    customers.work_for(16)
    assert customers.event(event)["status"] == "dead"

    customers.sandbox.clear_faults()
    customers.work_for(62)
    assert customers.event(event)["status"] == "done"
    assert customers.mirror()["configs"] == customers.truth()["configs"]


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_what_died_for_an_unknown_application_comes_back_when_the_catalogue_shows_it(customers: World) -> None:
    forget_catalogue(customers)
    deny(customers)
    event = ConnectionAuthorized("a", "slack")
    customers.publish(event)
    customers.work_until_quiet()
    assert customers.event(event)["status"] == "dead"

    customers.sandbox.clear_faults()
    customers.catalogue.refresh()
    customers.work_until_quiet()
    assert customers.event(event)["status"] == "done"
    assert customers.mirror()["configs"] == customers.truth()["configs"]


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_an_application_that_one_attempt_shows_and_denies_is_not_unknown(customers: World) -> None:
    forget_catalogue(customers)
    customers.sandbox.add_faults(Fault(route="find_or_create_config", **UNKNOWN))
    event = ConnectionAuthorized("a", "slack")
    customers.publish(event)
    customers.work_for(20)
    assert customers.event(event)["status"] == "pending"

    customers.sandbox.clear_faults()
    customers.work_until_quiet()
    assert customers.event(event)["status"] == "done"


@pytest.mark.parametrize("times", [1, 3])
def test_a_second_read_that_is_denied_the_application_is_made_again(world: World, times: int) -> None:
    customer = Customer(world)
    world.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    customer.settle("hubspot", "oauth2", "keybased")
    world.clock.pass_time(60)
    removal = customer.leaves("hubspot", auth_type="oauth2")
    world.work()
    assert (customer.detail(removal), customer.connected("hubspot")) == (("done", None), ["keybased"])
    customer.read_again_now("hubspot")  # as it was before the removal
    assert len(world.row("connections")["accounts"]) == 2

    world.sandbox.add_faults(Fault(route="read_application", times=times, **UNKNOWN))
    world.work_until_quiet()
    assert world.mirror() == world.truth()
    assert world.rows("checks") == []
