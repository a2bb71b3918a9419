"""A hint leads to a read, and what the read says is mirrored, whatever the hint said."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import SandboxTransport
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.effort import tries
from tests.integration.web.endpoints import Endpoints, connection_notification


@pytest.fixture
def acme(endpoints: Endpoints) -> Endpoints:
    """A customer who is connected to slack, with a config; Cobalt notifies us of what happens from now on."""
    endpoints.world.publish(UserSignedUp("acme", name="Acme", udf={}))
    endpoints.world.work_until_quiet()
    endpoints.world.sandbox.connect("acme", "slack")
    endpoints.world.publish(ConnectionAuthorized("acme", "slack"))
    endpoints.world.work_until_quiet()
    endpoints.subscribe()
    endpoints.world.calls()
    return endpoints


def statuses(endpoints: Endpoints) -> list[str]:
    return [row["status"] for row in endpoints.world.rows("connections")]


def test_what_happens_in_the_dashboard_reaches_the_mirror(acme: Endpoints) -> None:
    sandbox = acme.world.sandbox
    seen = []
    for happen in (sandbox.expire_connection, sandbox.connect, sandbox.disconnect):
        happen("acme", "slack")
        acme.deliver(acme.sent())
        acme.world.work_until_quiet()
        assert acme.world.mirror() == acme.world.truth()
        seen += statuses(acme)

    assert seen == ["reauth_required", "connected", "disconnected"]
    assert [row["status"] for row in acme.world.rows("configs")] == ["deleted"]


def test_a_connection_that_recovers_by_itself_is_connected_again_after_the_next_look(acme: Endpoints) -> None:
    acme.world.sandbox.expire_connection("acme", "slack")
    acme.deliver(acme.sent())
    acme.world.work_until_quiet()
    assert statuses(acme) == ["reauth_required"]
    late = connection_notification("Connection Expired")  # the same again, late: what it claims is not so any more

    acme.world.sandbox.recover_connection("acme", "slack")
    assert acme.sent() == []
    acme.notify(late)
    acme.world.work_until_quiet()

    assert statuses(acme) == ["connected"]
    assert acme.world.mirror() == acme.world.truth()


@pytest.mark.parametrize(
    "arrange", [list, lambda sent: sent[::-1], lambda sent: [*sent, *sent], lambda sent: sent[-1:]]
)
def test_notifications_may_be_late_reordered_duplicated_or_partly_lost(
    acme: Endpoints, arrange: Callable[[list[Any]], list[Any]]
) -> None:
    sandbox = acme.world.sandbox
    sandbox.expire_connection("acme", "slack")
    sandbox.disconnect("acme", "slack")
    sandbox.connect("acme", "slack")
    acme.deliver(arrange(acme.sent()))
    acme.world.work_until_quiet()

    assert statuses(acme) == ["connected"]
    assert acme.world.mirror() == acme.world.truth()


def test_a_disconnect_and_a_reconnect_within_one_second_are_two_hints(acme: Endpoints) -> None:
    for name in ("Connection Deleted", "Connection Created"):
        acme.notify(connection_notification(name))
        acme.world.work()

    assert acme.world.calls().count("read_application") == 2


def test_a_lost_notification_is_made_good_by_the_next_one(acme: Endpoints) -> None:
    acme.world.sandbox.change_settings(notifications_lost=1.0)
    acme.world.sandbox.disconnect("acme", "slack")
    acme.world.sandbox.change_settings(notifications_lost=0.0)
    assert acme.sent() == []
    acme.world.sandbox.connect("acme", "slack", identifier="somebody else")
    acme.deliver(acme.sent())
    acme.world.work_until_quiet()

    assert acme.world.row("connections")["accounts"][0]["identifier"] == "somebody else"


ACTIONS = ("connect", "disconnect", "expire_connection")


@settings(max_examples=tries(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    actions=st.lists(
        st.tuples(st.sampled_from(ACTIONS), st.sampled_from(["slack", "hubspot"])), min_size=1, max_size=6
    ),
    how=st.randoms(use_true_random=False),
)
def test_whatever_happens_there_and_however_it_is_told_the_mirror_agrees_in_the_end(
    endpoints: Endpoints, actions: list[tuple[str, str]], how: Random
) -> None:
    world, account = endpoints.world, "acme"
    world.clear()
    endpoints.subscribe()
    world.publish(UserSignedUp(account, name="Somebody", udf={}))
    world.work_until_quiet()
    late = []
    for action, slug in actions:
        with suppress(LookupError):  # what is not connected cannot expire
            getattr(world.sandbox, action)(account, slug)
        told = [one for each in endpoints.sent() for one in [each] * how.choice([1, 1, 2])]
        how.shuffle(told)
        late += [each for each in told if how.random() < 0.3]
        endpoints.deliver(each for each in told if each not in late)
        if how.random() < 0.5:
            world.work()
    how.shuffle(late)
    endpoints.deliver(late)
    world.work_until_quiet()

    assert world.mirror()["connections"] == world.truth()["connections"]


class Meanwhile(httpx.BaseTransport):
    """Carries requests to the sandbox; after the first answer, and before it arrives, something else happens."""

    def __init__(self, endpoints: Endpoints, happens: Callable[[], None]) -> None:
        self._inner, self._happens, self._done = SandboxTransport(endpoints.world.sandbox), happens, threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if not self._done.is_set():
            self._done.set()
            self._happens()
        return answer


def test_a_hint_that_arrives_while_a_read_is_under_way_leads_to_another_read(acme: Endpoints) -> None:
    world = acme.world

    def expire() -> None:
        world.clock.pass_time(0.001)
        world.sandbox.expire_connection("acme", "slack")
        acme.deliver(acme.sent())

    acme.notify(connection_notification())
    slow = Client("tk_sandbox", base_url="http://sandbox.test", transport=Meanwhile(acme, expire))
    world.attempts = replace(world.attempts, client=slow)
    assert world.attempts.attempt("acme")
    assert statuses(acme) == ["connected"], "the read under way was older than what the hint is about"
    world.work()

    assert statuses(acme) == ["reauth_required"]
    assert world.calls().count("read_application") == 2
    assert world.rows("checks") == []


def test_a_hint_that_arrives_while_events_are_worked_on_is_not_lost(acme: Endpoints) -> None:
    world = acme.world

    def expire() -> None:
        world.sandbox.expire_connection("acme", "slack")
        acme.deliver(acme.sent())

    world.publish(ConfigChanged("acme", "slack", fields={"mention": "@all"}))
    slow = Client("tk_sandbox", base_url="http://sandbox.test", transport=Meanwhile(acme, expire))
    world.attempts = replace(world.attempts, client=slow)
    world.work()

    assert statuses(acme) == ["reauth_required"]
    assert world.mirror() == world.truth()


def test_a_hint_about_an_account_that_the_mirror_does_not_know_is_mirrored_and_creates_nothing(
    endpoints: Endpoints,
) -> None:
    world = endpoints.world
    world.client.upsert_account("stranger", name="Stranger", udf={"plan": "pro"})
    endpoints.subscribe()
    world.sandbox.connect("stranger", "slack")
    world.calls()
    endpoints.deliver(endpoints.sent())
    world.work_until_quiet()

    assert world.sandbox.effects() == []
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"stranger": ("Stranger", {"plan": "pro"})}


def test_a_hint_about_an_account_that_nobody_knows_creates_nothing_anywhere(endpoints: Endpoints) -> None:
    endpoints.notify(connection_notification(account="ghost"))
    endpoints.world.work_until_quiet()

    assert endpoints.world.sandbox.effects() == []
    assert endpoints.world.sandbox.state()["accounts"] == []
    assert (endpoints.world.rows("linked_accounts"), endpoints.world.rows("connections")) == ([], [])
    assert endpoints.world.rows("checks") == []


def test_a_hint_about_an_account_that_was_deleted_at_cobalt_makes_it_missing(acme: Endpoints) -> None:
    acme.world.sandbox.delete_account("acme")
    acme.notify(connection_notification("Connection Deleted"))
    acme.world.work_until_quiet()

    assert acme.world.row("linked_accounts")["status"] == "missing"
    assert acme.world.sandbox.state()["accounts"] == []
    assert statuses(acme) == ["disconnected"]
    assert [row["status"] for row in acme.world.rows("configs")] == ["deleted"]
    assert acme.world.rows("checks") == []


def test_a_hint_about_an_application_that_is_not_enabled_changes_nothing(acme: Endpoints) -> None:
    acme.notify(connection_notification(slug="no-such-app"))
    acme.world.work_until_quiet()

    assert statuses(acme) == ["connected"]
    assert acme.world.rows("checks") == []
