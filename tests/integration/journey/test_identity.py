"""A removal takes what was connected then: a renewed token is no new connection, and a new connection stays."""

from collections.abc import Callable

import pytest

from tests.integration.journey.customers import Customer
from tests.world import World

#: Connects once for each auth type; holds several connections, each with an id.
ONE, SEVERAL = "slack", "xero"


@pytest.fixture
def customer(world: World) -> Customer:
    return Customer(world)


def settled(customer: Customer, slug: str) -> str:
    """Connect and have it mirrored; return what tells the connection apart."""
    customer.settle(slug, "oauth2")
    (name,) = customer.connected(slug)
    return name


def assert_disconnected(customer: Customer, slug: str) -> None:
    assert customer.connected(slug) == []
    assert customer.world.row("connections", slug=slug)["status"] == "disconnected"
    assert customer.world.mirror() == customer.world.truth()


# --- the token is renewed between the removal and the worker ----------------------------------------------------------


@pytest.mark.parametrize("slug", [ONE, SEVERAL])
@pytest.mark.parametrize("renewals", [1, 2])
@pytest.mark.parametrize("wait", [0, 60], ids=["just now", "a minute ago"])
def test_a_removal_is_carried_out_although_the_token_was_renewed(
    customer: Customer, slug: str, renewals: int, wait: float
) -> None:
    settled(customer, slug)
    removal = customer.leaves(slug)
    for _ in range(renewals):
        customer.world.clock.pass_time(1)
        customer.renew(slug)
    customer.world.clock.pass_time(wait)
    customer.world.work_until_quiet()

    assert customer.detail(removal)[0] == "done"
    assert customer.world.calls().count("delete_integration") == 1
    assert_disconnected(customer, slug)


@pytest.mark.parametrize("slug", [ONE, SEVERAL])
@pytest.mark.parametrize("is_seen", ["before the removal", "after the removal", "on both sides"])
def test_it_makes_no_difference_whether_the_mirror_has_seen_the_renewal(
    customer: Customer, slug: str, is_seen: str
) -> None:
    settled(customer, slug)
    if is_seen != "after the removal":
        customer.renew(slug)
        customer.read_again(slug)
        customer.world.clock.pass_time(1)
    removal = customer.leaves(slug)
    customer.world.clock.pass_time(1)
    customer.renew(slug)
    if is_seen != "before the removal":  # the check and the removal are one attempt, which puts both off
        customer.read_again(slug)
    customer.world.work_until_quiet()

    assert customer.detail(removal)[0] == "done"
    assert_disconnected(customer, slug)


@pytest.mark.parametrize("slug", [ONE, SEVERAL])
def test_a_removal_of_what_the_mirror_did_not_know_is_carried_out_too(customer: Customer, slug: str) -> None:
    customer.connect(slug)
    customer.world.clock.pass_time(1)
    removal = customer.leaves(slug)
    customer.world.clock.pass_time(1)
    customer.renew(slug)
    customer.world.clock.pass_time(60)
    customer.world.work_until_quiet()

    assert customer.detail(removal)[0] == "done"
    assert customer.connected(slug) == []


def test_the_account_is_read_only_where_it_is_unclear(customer: Customer) -> None:
    for slug, is_renewed, calls in (
        (ONE, False, ["read_application", "delete_integration"]),
        (ONE, True, ["read_application", "read_account", "delete_integration"]),
        (SEVERAL, True, ["read_application", "delete_integration"]),
    ):
        settled(customer, slug)
        customer.leaves(slug)
        if is_renewed:
            customer.world.clock.pass_time(1)
            customer.renew(slug)
        customer.world.clock.pass_time(31)
        customer.world.work_until_quiet()
        assert customer.world.calls() == calls


# --- the customer connects again between the removal and the worker ---------------------------------------------------

Again = Callable[[Customer], None]


def reconnect_after_a_disconnect(customer: Customer) -> None:
    customer.disconnect(ONE)
    customer.connect(ONE)
    customer.notifications()  # which are lost


def reconnect_and_authorise(customer: Customer) -> None:
    customer.connect(ONE)
    customer.notifications()
    customer.authorised(ONE)


def reconnect_with_a_notification(customer: Customer) -> None:
    customer.connect(ONE)
    customer.deliver(customer.notifications())


@pytest.mark.parametrize("is_renewed", [False, True], ids=["", "and renewed since"])
@pytest.mark.parametrize(
    "again", [reconnect_after_a_disconnect, reconnect_and_authorise, reconnect_with_a_notification]
)
def test_what_the_customer_connected_after_the_removal_stays_and_the_event_says_so(
    customer: Customer, again: Again, *, is_renewed: bool
) -> None:
    settled(customer, ONE)
    removal = customer.leaves(ONE)
    customer.world.clock.pass_time(2)
    again(customer)
    if is_renewed:
        customer.world.clock.pass_time(2)
        customer.renew(ONE)
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", "not removed, as it was connected after this removal: oauth2")
    assert "delete_integration" not in customer.world.calls()
    assert customer.connected(ONE) == ["oauth2"]
    assert customer.world.mirror()["connections"] == customer.world.truth()["connections"]


def test_another_connection_stays_and_the_one_that_was_there_goes(customer: Customer) -> None:
    old = settled(customer, SEVERAL)
    removal = customer.leaves(SEVERAL)
    customer.world.clock.pass_time(2)
    new = customer.connect(SEVERAL)
    customer.notifications()
    customer.renew(SEVERAL, connection_id=old)
    customer.world.clock.pass_time(60)
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", f"not removed, as it was connected after this removal: {new}")
    assert customer.connected(SEVERAL) == [new]
    assert customer.world.mirror() == customer.world.truth()


@pytest.mark.parametrize("news", ["authorised", "notified"])
def test_news_that_comes_within_the_wait_is_heard(customer: Customer, news: str) -> None:
    settled(customer, ONE)
    removal = customer.leaves(ONE)
    customer.world.clock.pass_time(1)
    customer.connect(ONE)
    customer.world.work()
    assert customer.world.event(removal)["status"] == "pending"
    customer.world.clock.pass_time(5)
    customer.world.work()
    assert customer.connected(ONE) == ["oauth2"]
    customer.world.clock.pass_time(2)
    if news == "authorised":
        customer.authorised(ONE)
    else:
        customer.deliver(customer.notifications())
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", "not removed, as it was connected after this removal: oauth2")
    assert customer.connected(ONE) == ["oauth2"]


def test_a_reconnection_that_nobody_tells_of_is_taken_for_a_renewal(customer: Customer) -> None:
    settled(customer, ONE)
    removal = customer.leaves(ONE)
    customer.world.clock.pass_time(1)
    customer.connect(ONE)
    customer.notifications()
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", None)
    assert_disconnected(customer, ONE)


def test_events_that_come_during_the_wait_do_not_shorten_it(customer: Customer) -> None:
    settled(customer, ONE)
    removal = customer.leaves(ONE)
    customer.world.clock.pass_time(1)
    customer.connect(ONE)
    sent = customer.notifications()
    for _ in range(8):
        customer.changes(ONE, fields={"mention": "@a"})
        customer.world.work()
        customer.world.clock.pass_time(0.1)
    assert customer.world.event(removal)["looks"] == 1
    customer.world.clock.pass_time(10)
    customer.deliver(sent)
    customer.world.work_until_quiet()

    assert customer.connected(ONE) == ["oauth2"]
