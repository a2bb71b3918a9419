"""An application that holds several connections of one account: each is shown, configured and removed by its id."""

from typing import Any

import pytest

from cobalt_mirror.db import integrations, list_configs, list_connections
from tests.integration.journey.customers import ACCOUNT, Customer
from tests.world import World

SLUG = "xero"


@pytest.fixture
def customer(world: World) -> Customer:
    return Customer(world)


@pytest.fixture
def two(customer: Customer) -> tuple[str, str]:
    """Two connections that the mirror knows, each with its config."""
    ids = (customer.connect(SLUG), customer.connect(SLUG, user_defined_fields={"company": "North"}))
    customer.authorised(SLUG)
    customer.notifications()
    customer.world.work_until_quiet()
    customer.world.clock.pass_time(1)
    customer.world.calls()
    return ids


def configs(customer: Customer) -> dict[str, Any]:
    """The account codes in the mirror's installed configs, by connection."""
    with customer.world.engine.connect() as connection:
        rows = list_configs(connection, ACCOUNT, slug=SLUG)
    return {row.connection_id: row.fields.get("account_code") for row in rows if row.status == "installed"}


def assert_in_agreement(customer: Customer) -> None:
    assert customer.world.mirror() == customer.world.truth()


# --- shown ------------------------------------------------------------------------------------------------------------


def test_both_are_shown_with_what_tells_them_apart(customer: Customer, two: tuple[str, str]) -> None:
    with customer.world.engine.connect() as connection:
        (row,) = list_connections(connection, ACCOUNT)
        (integration,) = [each for each in integrations(connection, ACCOUNT) if each.slug == SLUG]

    accounts = {account["connection_id"]: account for account in row.accounts or []}
    assert accounts.keys() == set(two)
    assert [accounts[id_]["user_defined_fields"] for id_ in two] == [{}, {"company": "North"}]
    assert {account["auth_profile_name"] for account in accounts.values()} == {"Our app"}
    assert (integration.state, integration.connected, integration.needs_attention) == ("connected", 2, 0)
    assert configs(customer) == dict.fromkeys(two)
    assert_in_agreement(customer)


def test_one_that_expires_is_counted(customer: Customer, two: tuple[str, str]) -> None:
    customer.world.sandbox.expire_connection(ACCOUNT, SLUG, connection_id=two[1])
    customer.deliver(customer.notifications())
    customer.world.work_until_quiet()

    with customer.world.engine.connect() as connection:
        (integration,) = [each for each in integrations(connection, ACCOUNT) if each.slug == SLUG]
    assert (integration.state, integration.connected, integration.needs_attention) == ("reconnect", 2, 1)


# --- configured -------------------------------------------------------------------------------------------------------


def test_they_are_configured_one_by_one(customer: Customer, two: tuple[str, str]) -> None:
    events = [customer.changes(SLUG, connection_id=id_, fields={"account_code": id_[:4]}) for id_ in two]
    customer.world.work_until_quiet()

    assert customer.world.statuses(events) == ["done", "done"]
    assert configs(customer) == {id_: id_[:4] for id_ in two}
    assert_in_agreement(customer)


def test_a_change_without_an_id_ends_dead_and_asks_which_of_them(customer: Customer, two: tuple[str, str]) -> None:
    event = customer.changes(SLUG, fields={"account_code": "4000"})
    customer.world.work_until_quiet()

    row = customer.world.event(event)
    assert (row["status"], row["move"]) == ("dead", "operator")
    assert row["last_error"].startswith("which of them? The customer has 2 connections to xero")
    assert configs(customer) == dict.fromkeys(two)
    assert customer.world.calls() == ["read_application"]


def test_a_change_without_an_id_means_the_only_one(customer: Customer, two: tuple[str, str]) -> None:
    customer.leaves(SLUG, connection_id=two[0])
    customer.world.work_until_quiet()
    customer.world.clock.pass_time(1)
    event = customer.changes(SLUG, fields={"account_code": "4000"})
    customer.world.work_until_quiet()

    assert customer.detail(event)[0] == "done"
    assert configs(customer) == {two[1]: "4000"}
    assert_in_agreement(customer)


def test_a_change_with_an_id_of_an_application_that_has_none_says_so(customer: Customer) -> None:
    customer.settle("slack", "oauth2")
    event = customer.changes("slack", connection_id="c1", fields={"mention": "@a"})
    customer.world.work_until_quiet()

    row = customer.world.event(event)
    assert (row["status"], row["move"]) == ("dead", "operator")
    assert "without connection_id" in row["last_error"]


# --- removed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [0, 1], ids=["the first", "the second"])
def test_one_is_removed_and_the_other_stays_with_its_config(
    customer: Customer, two: tuple[str, str], chosen: int
) -> None:
    customer.changes(SLUG, connection_id=two[1 - chosen], fields={"account_code": "kept"})
    customer.world.work_until_quiet()
    customer.world.clock.pass_time(1)
    customer.world.calls()
    removal = customer.leaves(SLUG, connection_id=two[chosen])
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", None)
    assert customer.world.calls() == ["read_application", "delete_integration"]
    assert customer.connected(SLUG) == [two[1 - chosen]]
    assert configs(customer) == {two[1 - chosen]: "kept"}
    assert_in_agreement(customer)


def test_one_is_removed_after_the_other(customer: Customer, two: tuple[str, str]) -> None:
    for id_ in two:
        removal = customer.leaves(SLUG, connection_id=id_)
        customer.world.work_until_quiet()
        customer.world.clock.pass_time(1)
        assert customer.detail(removal) == ("done", None)
        assert customer.world.calls() == ["read_application", "delete_integration"]

    assert (customer.connected(SLUG), configs(customer)) == ([], {})
    assert customer.world.row("connections", slug=SLUG)["status"] == "disconnected"
    assert_in_agreement(customer)


def test_all_are_removed_at_once_by_one_call_each_after_a_read_each(customer: Customer, two: tuple[str, str]) -> None:
    removal = customer.leaves(SLUG)
    customer.world.work_until_quiet()

    assert customer.detail(removal) == ("done", None)
    calls = customer.world.sandbox.calls()
    assert [(call.route, call.status) for call in calls] == [("read_application", 200), ("delete_integration", 200)] * 2
    assert customer.world.event(removal)["effect"]["total"] is True
    assert sorted(each["connection_id"] for each in customer.world.event(removal)["effect"]["disconnected"]) == sorted(
        two
    )
    assert (customer.connected(SLUG), configs(customer)) == ([], {})
    assert_in_agreement(customer)


def test_a_removal_of_one_that_is_not_there_leaves_the_others(customer: Customer, two: tuple[str, str]) -> None:
    removal = customer.leaves(SLUG, connection_id="of another time")
    customer.world.work_until_quiet()

    status, detail = customer.detail(removal)
    assert status == "done"
    assert str(detail).startswith("nothing removed, as this removal names something else than what is connected: ")
    assert customer.connected(SLUG) == sorted(two)


def test_what_is_older_and_names_a_removed_one_is_superseded_however_late(
    customer: Customer, two: tuple[str, str]
) -> None:
    early = customer.world.clock()
    customer.world.clock.pass_time(1)
    customer.leaves(SLUG, connection_id=two[0])
    customer.world.work_until_quiet()
    customer.world.calls()
    late = customer.authorised(SLUG, at=early, connection_id=two[0])
    customer.world.work_until_quiet()

    assert customer.detail(late)[0] == "superseded"
    assert customer.world.calls() == []
    assert customer.connected(SLUG) == [two[1]]
