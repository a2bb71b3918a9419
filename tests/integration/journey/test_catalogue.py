"""One listing is no proof: an application that the catalogue lacks for the first time is looked for again."""

import pytest

from cobalt_mirror.db import integrations
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import UserSignedUp
from tests.world import World


@pytest.fixture
def customer(world: World) -> World:
    """A world with a customer, through whom the catalogue is read."""
    world.publish(UserSignedUp("a", name="a", udf={}))
    world.work_until_quiet()
    return world


def enabled(world: World) -> set[str]:
    """Return what a host's page shows as applications that the customer can connect."""
    with reading(world.engine).begin() as connection:
        return {each.slug for each in integrations(connection, "a")}


def test_an_empty_listing_disables_nothing_and_is_read_again(customer: World) -> None:
    before = enabled(customer)
    for _ in range(2):
        customer.catalogue.record([])
        customer.clock.pass_time(15)
    assert enabled(customer) == before != set()

    customer.sandbox.disable_application("slack")
    customer.work_for(40)  # the next listing, and one more
    assert enabled(customer) == before - {"slack"}


def test_an_application_is_disabled_when_two_listings_lack_it(customer: World) -> None:
    before = enabled(customer)
    customer.sandbox.disable_application("slack")
    customer.catalogue.refresh()
    customer.work_for(14)
    assert enabled(customer) == before

    customer.catalogue.refresh()  # a reconciliation reads it early
    assert enabled(customer) == before
    customer.work_for(2)
    assert enabled(customer) == before - {"slack"}


def test_an_application_that_one_listing_lacks_is_forgotten_to_be_in_doubt(customer: World) -> None:
    before = enabled(customer)
    for _ in range(3):
        customer.sandbox.disable_application("slack")
        customer.catalogue.refresh()
        customer.sandbox.enable_application("slack")
        customer.work_for(16)

    assert enabled(customer) == before
    assert customer.row("state", key="catalogue_absent")["value"] == {}
