"""Looking again ends, loses nothing that comes meanwhile, and brings back nothing that nobody wants any more."""

import random
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Fault, SandboxTransport
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.events import ConfigRemoved, ConnectionAuthorized, UserSignedUp
from tests.integration.journey.customers import ACCOUNT, Customer
from tests.integration.journey.wires import Wire
from tests.world import World

DENIES: dict[str, Any] = {"method": "GET", "status": HTTPStatus.BAD_REQUEST, "error": "INVALID_LINKED_ACCOUNT_ID"}
ABSENT: dict[str, Any] = {"status": HTTPStatus.NOT_FOUND, "error": "EXTERNAL_API_FAILURE"}


@pytest.fixture
def customer(world: World) -> Customer:
    customer = Customer(world)
    customer.settle("slack", "oauth2")
    world.clock.pass_time(60)
    return customer


def test_a_removal_of_a_config_that_came_to_nothing_removes_no_later_one(world: World) -> None:
    customer = Customer(world)
    removal = customer.publish(ConfigRemoved("new", "slack", occurred_at=world.clock()))
    world.work_until_quiet()
    assert customer.detail(removal)[0] == "done"

    world.clock.pass_time(86_400)
    world.client.upsert_account("new")
    world.sandbox.connect("new", "slack")
    world.client.config("new", "slack")
    customer.deliver(customer.notifications())
    world.work_until_quiet()
    assert ("new", "slack", "new") in world.truth()["configs"]
    assert world.mirror() == world.truth()


def test_a_denial_ends_although_the_event_needs_no_account(customer: Customer) -> None:
    world = customer.world
    world.sandbox.add_faults(Fault(route="delete_config", times=1, **{**DENIES, "method": "DELETE"}))
    world.sandbox.add_faults(Fault(route="read_account", times=1, **DENIES))
    customer.publish(ConfigRemoved(ACCOUNT, "slack", occurred_at=world.clock()))
    world.work()
    assert len(world.rows("denials")) == 1

    world.work_until_quiet()
    assert world.rows("denials") == []
    assert world.mirror() == world.truth()


def test_a_notification_of_an_account_that_does_not_show_yet_is_not_forgotten(world: World) -> None:
    customer = Customer(world)
    world.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    world.client.fetch_accounts()
    world.client.upsert_account("new")
    world.sandbox.connect("new", "slack")
    customer.deliver(customer.notifications())
    world.work_until_quiet()

    assert world.mirror() == world.truth()
    assert [row["slug"] for row in world.rows("connections")] == ["slack"]


def test_a_notification_of_an_application_that_one_answer_denies_is_not_forgotten(world: World) -> None:
    customer = Customer(world)
    customer.connect("slack")
    world.client.config(ACCOUNT, "slack")
    world.sandbox.add_faults(Fault(route="read_application", times=1, **ABSENT))
    customer.deliver(customer.notifications())
    world.work_until_quiet()

    assert world.mirror() == world.truth()


def test_what_came_to_nothing_is_carried_out_beside_later_events(customer: Customer) -> None:
    world = customer.world
    world.sandbox.disable_application("slack")
    change = customer.changes("slack", fields={"mention": "@a"})
    world.work_until_quiet()
    assert world.event(change)["status"] == "dead"

    world.sandbox.enable_application("slack")
    world.clock.pass_time(60)
    customer.publish(ConnectionAuthorized(ACCOUNT, "slack", occurred_at=world.clock()))
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.mirror() == world.truth()


def test_an_account_that_is_signed_up_again_gets_what_was_written_off(customer: Customer) -> None:
    world = customer.world
    world.sandbox.delete_account(ACCOUNT)
    change = customer.changes("slack", fields={"mention": "@a"})
    world.work_until_quiet()
    assert world.event(change)["status"] == "dead"

    world.clock.pass_time(600)
    world.publish(UserSignedUp(ACCOUNT, name="Acme", udf={}))
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.mirror() == world.truth()


def test_an_account_that_shows_beside_one_connection_gets_what_was_written_off_of_others(customer: Customer) -> None:
    world = customer.world
    world.sandbox.delete_account(ACCOUNT)
    change = customer.changes("hubspot", fields={"pipeline": "default"})
    world.work_until_quiet()
    assert world.event(change)["status"] == "dead"

    world.clock.pass_time(600)
    world.client.upsert_account(ACCOUNT)
    world.sandbox.connect(ACCOUNT, "slack")
    world.sandbox.add_faults(Fault(route="read_application", times=1, **DENIES))
    customer.deliver(customer.notifications())
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.mirror() == world.truth()


def test_a_hint_during_a_read_is_followed_at_once_whatever_else_is_wanted_later(customer: Customer) -> None:
    world = customer.world
    with world.engine.begin() as connection:
        later = world.clock() + timedelta(seconds=300)
        record_check(connection, ACCOUNT, "slack", due_at=world.clock(), reason="a hint", at_once=True)
        record_check(connection, ACCOUNT, "slack", due_at=later, reason="a doubt")
    is_expired = False

    def expire(request: httpx.Request) -> None:
        nonlocal is_expired
        if "/application/" in request.url.path and not is_expired:
            is_expired = True
            world.clock.pass_time(0.001)
            world.sandbox.expire_connection(ACCOUNT, "slack")
            customer.deliver(customer.notifications())

    with Client(world.key, base_url="http://sandbox.test", transport=Wire(world, after=expire)) as client:
        honest, world.attempts = world.attempts, replace(world.attempts, client=client)
        world.work()
        world.attempts = honest

    assert world.row("connections")["status"] == "reauth_required"


@pytest.mark.parametrize(
    ("slug", "auth_types"),
    [("hubspot", ["keybased", "oauth2"]), ("xero", ["oauth2", "oauth2"])],
    ids=["types", "several"],
)
@pytest.mark.parametrize("lag", [1.5, 4, 14])
def test_what_was_there_before_does_not_confirm_what_was_notified(
    slug: str, auth_types: list[str], lag: float, customer: Customer
) -> None:
    world = customer.world
    customer.settle(slug, auth_types[0])
    world.clock.pass_time(60)
    world.work_until_quiet()
    world.sandbox.change_settings(stale_reads=1, stale_seconds=lag)
    world.client.fetch_account(ACCOUNT)
    customer.connect(slug, auth_type=auth_types[1])
    customer.deliver(customer.notifications())
    world.work_until_quiet()

    assert len(world.row("connections", slug=slug)["accounts"]) == 2
    assert world.mirror() == world.truth()
    assert world.rows("checks") == []


class Fickle(httpx.BaseTransport):
    """Shows another identifier at each read of an application."""

    def __init__(self, world: World) -> None:
        self._inner = SandboxTransport(world.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if not request.url.path.endswith("/application/slack"):
            return response
        document = httpx.Response(200, content=response.read()).json()
        for account in document["connected_accounts"]:
            account["identifier"] = str(random.random())
        return httpx.Response(200, json=document)


def test_an_answer_that_is_never_the_same_is_not_read_for_ever(customer: Customer) -> None:
    world = customer.world
    with Client(world.key, base_url="http://sandbox.test", transport=Fickle(world)) as client:
        honest, world.attempts = world.attempts, replace(world.attempts, client=client)
        for _ in range(3):
            customer.read_again("slack")
        world.calls()
        world.clock.pass_time(600)
        world.work_until_quiet()
        world.attempts = honest

    assert world.calls() == []
    assert world.rows("checks") == []


def test_the_catalogue_is_read_through_an_account_that_is_not_denied(customer: Customer) -> None:
    world = customer.world
    customer.publish(UserSignedUp("other", name="Other", udf={}, occurred_at=world.clock()))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(linked_account_id="other", **DENIES))
    customer.publish(ConnectionAuthorized("other", "slack", occurred_at=world.clock()))
    world.work()
    assert len(world.rows("denials")) == 1
    world.calls()
    world.catalogue.refresh()

    assert [(call.route, call.linked_account_id, call.status) for call in world.sandbox.calls()] == [
        ("list_applications", ACCOUNT, 200)
    ]
