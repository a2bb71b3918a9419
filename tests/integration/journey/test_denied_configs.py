"""One answer is no proof: a config that Cobalt denies is looked at again before the mirror shows it as deleted."""

import json
from http import HTTPStatus

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Fault, SandboxTransport
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.events import ConfigChanged, ConfigRemoved, ConnectionAuthorized, Event
from tests.integration.journey.customers import ACCOUNT, Customer
from tests.integration.journey.wires import workers_over
from tests.world import World

ERRORS = ["CONFIG_NOT_FOUND", "RESOURCE_NOT_FOUND", "EXTERNAL_API_FAILURE"]


@pytest.fixture
def acme(world: World) -> World:
    """A world with a customer who has a config of slack, which has been so for a while."""
    customer = Customer(world)
    customer.settle("slack", "oauth2")
    world.publish(ConfigChanged(ACCOUNT, "slack", fields={"mention": "@a"}))
    world.work_until_quiet()
    world.clock.pass_time(120)
    return world


def publish_old(world: World, event: Event) -> None:
    """Publish an event to workers that come to it a minute later."""
    world.publish(event)
    world.clock.pass_time(60)


def check(world: World) -> None:
    with world.engine.begin() as connection:
        record_check(connection, ACCOUNT, "slack", due_at=world.clock(), reason="a test", at_once=True)


def deny(world: World, error: str, *, times: int, method: str = "GET") -> None:
    route = "read_config" if method == "GET" else "delete_config"
    world.sandbox.add_faults(Fault(route=route, times=times, status=HTTPStatus.NOT_FOUND, error=error))


def was_deleted(world: World) -> bool:
    """Whether the mirror has ever shown a config as deleted."""
    return any("deleted" in (row["changes"].get("status") or []) for row in world.rows("history", what="config"))


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("error", ERRORS)
def test_a_check_does_not_believe_that_a_config_is_gone_that_is_listed(acme: World, error: str, times: int) -> None:
    deny(acme, error, times=times)
    check(acme)
    acme.work_until_quiet()

    assert not was_deleted(acme)
    assert acme.mirror() == acme.truth()
    assert acme.rows("checks") == []


@pytest.mark.parametrize("error", ERRORS)
def test_an_empty_change_does_not_believe_one_answer_about_a_config(acme: World, error: str) -> None:
    change = ConfigChanged(ACCOUNT, "slack", occurred_at=acme.clock())
    publish_old(acme, change)
    deny(acme, error, times=1)
    acme.work()
    assert acme.event(change)["status"] == "pending"

    acme.work_until_quiet()
    row = acme.event(change)
    assert (row["status"], row["detail"]) == ("done", None)
    assert not was_deleted(acme)
    assert acme.mirror() == acme.truth()


@pytest.mark.parametrize("event", [None, ConfigChanged(ACCOUNT, "slack")], ids=["a check", "an empty change"])
def test_a_config_that_is_gone_shows_for_fifteen_seconds(acme: World, event: Event | None) -> None:
    acme.sandbox.delete_config(ACCOUNT, "slack")
    if event is None:
        check(acme)
    else:
        publish_old(acme, event)
    acme.work_for(14)
    assert [row["status"] for row in acme.rows("configs")] == ["installed"]

    acme.work_for(2)
    assert [row["status"] for row in acme.rows("configs")] == ["deleted"]
    assert event is None or acme.event(event)["detail"] == "Cobalt has no such config; it was read and not created"
    acme.work_until_quiet()
    assert acme.mirror() == acme.truth()
    assert acme.rows("checks") == []


def test_a_config_that_was_written_between_two_looks_is_not_gone_because_of_an_older_answer(acme: World) -> None:
    acme.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    acme.sandbox.delete_config(ACCOUNT, "slack")
    acme.clock.pass_time(3)
    check(acme)
    acme.work()
    acme.clock.pass_time(14)
    acme.publish(ConfigChanged(ACCOUNT, "slack", fields={"mention": "@b"}, occurred_at=acme.clock()))
    acme.work()
    acme.clock.pass_time(1.1)
    acme.work()
    assert not was_deleted(acme)

    acme.work_until_quiet()
    assert not was_deleted(acme)
    assert acme.mirror() == acme.truth()
    assert acme.rows("checks") == []


class Empty(httpx.BaseTransport):
    """Answers as if nothing were connected to an application, and no config were there."""

    def __init__(self, world: World) -> None:
        self._inner = SandboxTransport(world.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        path = request.url.path
        if path.endswith("/application/slack"):
            shown = {**json.loads(response.read()), "connected": False, "connected_accounts": []}
            return httpx.Response(200, json=shown)
        if path.endswith("/configs"):
            return httpx.Response(200, json=[])
        return httpx.Response(404, json={"error": "CONFIG_NOT_FOUND"}) if "/config/" in path else response


def test_an_answer_without_the_connection_takes_no_config_along_that_the_account_contradicts(acme: World) -> None:
    honest, acme.attempts = acme.attempts, workers_over(acme, Empty(acme))
    acme.publish(ConnectionAuthorized(ACCOUNT, "slack", occurred_at=acme.clock()))
    acme.work()
    acme.attempts.client.close()
    acme.attempts = honest
    assert not was_deleted(acme)

    acme.work_until_quiet()
    assert not was_deleted(acme)
    assert acme.mirror() == acme.truth()


def test_an_application_that_is_denied_takes_no_config_along_that_was_never_connected(world: World) -> None:
    customer = Customer(world)
    world.publish(ConfigChanged(ACCOUNT, "slack", fields={"mention": "@a"}))
    world.work_until_quiet()
    world.clock.pass_time(120)
    error = "EXTERNAL_API_FAILURE"
    world.sandbox.add_faults(Fault(route="read_application", times=1, status=HTTPStatus.NOT_FOUND, error=error))
    customer.read_again("slack")

    assert world.truth()["configs"] != {}
    assert not was_deleted(world)
    assert world.mirror() == world.truth()


def test_a_second_read_of_a_config_that_is_denied_the_application_is_made_again(world: World) -> None:
    customer = Customer(world)
    world.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    customer.changes("slack", fields={"mention": "@a"})
    world.work_until_quiet()
    world.clock.pass_time(5)
    customer.publish(ConfigRemoved(ACCOUNT, "slack", occurred_at=world.clock()))
    world.work()
    customer.changes("slack")  # which reads how it was before the removal
    world.work()
    assert world.rows("configs", status="installed") != []

    error = "EXTERNAL_API_FAILURE"
    world.sandbox.add_faults(Fault(route="read_application", times=1, status=HTTPStatus.NOT_FOUND, error=error))
    world.work_until_quiet()
    assert world.truth()["configs"] == world.mirror()["configs"] == {}


@pytest.mark.parametrize("is_check", [True, False], ids=["a check", "an empty change"])
def test_a_read_that_is_older_than_a_removal_is_made_again(acme: World, *, is_check: bool) -> None:
    acme.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    acme.publish(ConfigRemoved(ACCOUNT, "slack", occurred_at=acme.clock()))
    acme.work()
    assert [row["status"] for row in acme.rows("configs")] == ["deleted"]
    if is_check:
        check(acme)
    else:
        acme.publish(ConfigChanged(ACCOUNT, "slack", occurred_at=acme.clock()))
    acme.work()
    assert [row["status"] for row in acme.rows("configs")] == ["installed"]

    acme.work_until_quiet()
    assert acme.truth()["configs"] == acme.mirror()["configs"] == {}


def test_what_is_denied_for_too_long_comes_back(acme: World) -> None:
    change = ConfigChanged(ACCOUNT, "slack", occurred_at=acme.clock())
    publish_old(acme, change)
    deny(acme, "CONFIG_NOT_FOUND", times=4)
    acme.work_for(16)
    assert [row["status"] for row in acme.rows("configs")] == ["deleted"]

    acme.work_until_quiet()
    assert acme.mirror() == acme.truth()


def test_a_removal_does_not_believe_that_its_config_is_gone_while_a_read_shows_it(acme: World) -> None:
    deny(acme, "CONFIG_NOT_FOUND", times=1, method="DELETE")
    removal = ConfigRemoved(ACCOUNT, "slack", occurred_at=acme.clock())
    acme.publish(removal)
    acme.work()
    assert acme.event(removal)["status"] == "pending"

    acme.work_until_quiet()
    assert acme.event(removal)["status"] == "done"
    assert acme.truth()["configs"] == acme.mirror()["configs"] == {}


def test_a_removal_of_our_own_needs_no_second_look(acme: World) -> None:
    removal = ConfigRemoved(ACCOUNT, "slack", occurred_at=acme.clock())
    acme.publish(removal)
    acme.work()

    assert acme.event(removal)["status"] == "done"
    assert [row["status"] for row in acme.rows("configs")] == ["deleted"]
    assert acme.rows("checks") == []
