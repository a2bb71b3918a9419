"""A reconnect link leads to Cobalt's connect page, where the customer connects again; else a page says why not."""

import re
from collections.abc import Callable
from html import unescape

import httpx
import pytest
from pydantic import SecretStr

from cobalt_mirror.cobalt.sandbox import Fault, SandboxTransport
from cobalt_mirror.events import ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.reconnect import reconnect_link
from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import Endpoints, connection_notification
from tests.world import World

BASE = "https://mirror.example.com"


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world in which the key of acme's connection to stripe has expired."""
    world = make_world(options={"public_url": BASE, "reconnect_return_url": "https://app.example.com/back"})
    world.publish(UserSignedUp("acme"))
    world.work_until_quiet()
    world.sandbox.connect("acme", "stripe")
    world.publish(ConnectionAuthorized("acme", "stripe"))
    world.work_until_quiet()
    world.sandbox.expire_connection("acme", "stripe")
    return world


def path_of(world: World, account: str = "acme", slug: str | None = "stripe") -> str:
    link = reconnect_link(world.settings, account, slug, now=world.clock())
    assert link is not None
    return link.removeprefix(BASE)


def connect_with_a_key(world: World, page: str) -> int:
    """Type a key into Cobalt's page, as the customer does."""
    form = {"slug": "stripe", "auth_type": "keybased", "input.secret_key": "k"}
    with httpx.Client(transport=SandboxTransport(world.sandbox)) as browser:
        assert "Connect Stripe by key" in browser.get(page).text
        return browser.post(page, data=form).status_code


def test_the_link_opens_cobalts_page_and_connecting_there_mends_the_mirror(endpoints: Endpoints) -> None:
    world = endpoints.world
    endpoints.subscribe()
    endpoints.notify(connection_notification("Connection Expired", slug="stripe"))
    world.work_until_quiet()
    assert world.row("connections")["status"] == "reauth_required"
    path = path_of(world)
    world.clock.pass_time(13 * 86_400)  # the mail is read late
    world.calls()

    answer = endpoints.request("GET", path)

    assert (answer.status_code, answer.text) == (303, "")
    assert {name: answer.headers[name] for name in ("cache-control", "referrer-policy")} == {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
    assert world.calls() == ["session_token", "connect_url"]
    calls = [(call["because"], call["slug"]) for call in world.rows("calls")[-2:]]
    assert calls == [({"web": "reconnect link"}, "stripe")] * 2
    assert connect_with_a_key(world, answer.headers["location"]) == 303
    endpoints.deliver(endpoints.sent())
    world.work_until_quiet()
    assert world.row("connections")["status"] == "connected"
    assert world.mirror() == world.truth()


def test_whoever_examines_links_by_head_makes_nothing_and_by_get_connects_nothing(endpoints: Endpoints) -> None:
    world = endpoints.world
    path = path_of(world, slug=None)
    before = world.truth()
    world.calls()

    assert endpoints.request("HEAD", path).status_code == 200
    assert world.calls() == []
    assert [endpoints.request("GET", path).status_code for _ in range(2)] == [303, 303]
    assert world.calls() == ["session_token", "connect_url", "connect_url"]
    assert world.truth() == before
    assert endpoints.request("POST", path).status_code == 405


def test_after_consent_the_customer_comes_back_to_the_app(endpoints: Endpoints) -> None:
    page = endpoints.request("GET", path_of(endpoints.world)).headers["location"]

    with httpx.Client(transport=SandboxTransport(endpoints.world.sandbox)) as browser:
        (consent,) = re.findall(r'href="([^"]*slug=slack[^"]*)"', browser.get(page).text)
        asked = httpx.URL(unescape(consent))
        back = browser.post(asked.copy_with(query=None), data={**asked.params, "decision": "allow"})
    assert back.headers["location"] == "https://app.example.com/back?status=connected&slug=slack"


def test_a_link_that_does_not_open_says_so_in_plain_words_and_asks_cobalt_for_nothing(endpoints: Endpoints) -> None:
    world = endpoints.world
    path, unknown = path_of(world), path_of(world, "nobody")
    answers = [(endpoints.request("GET", path[:-3]), 404, "not valid"), (endpoints.request("GET", unknown), 410, "not")]
    world.publish(UserDeleted("acme"))
    answers.append((endpoints.request("GET", path), 410, "account is not there any more"))
    world.work_until_quiet()
    world.calls()
    answers.append((endpoints.request("GET", path), 410, "account is not there any more"))
    world.clock.pass_time(15 * 86_400)
    answers.append((endpoints.request("GET", path), 410, "expired"))

    for answer, status, words in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert words in answer.text
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert world.calls() == []


def test_a_link_is_not_for_who_has_the_same_id_after_a_deletion(endpoints: Endpoints) -> None:
    world = endpoints.world
    path = path_of(world)
    world.publish(UserDeleted("acme"))
    world.work_until_quiet()
    world.clock.pass_time(60)
    world.publish(UserSignedUp("acme"))
    world.work_until_quiet()

    assert endpoints.request("GET", path).status_code == 410
    assert endpoints.request("GET", path_of(world)).status_code == 303


def test_a_cobalt_that_fails_or_does_not_have_the_account_is_told_apart(endpoints: Endpoints) -> None:
    world = endpoints.world
    path = path_of(world)
    world.sandbox.add_faults(Fault(route="connect_url", status=500, times=1))

    failed, again = endpoints.request("GET", path), endpoints.request("GET", path)
    assert (failed.status_code, failed.headers["retry-after"], again.status_code) == (503, "10", 303)
    assert "Open the link again in a minute" in failed.text
    world.client.delete_account("acme")
    assert endpoints.request("GET", path).status_code == 410


def test_without_a_key_the_page_says_that_it_does_not_work_now(world: World) -> None:
    settings = world.settings.model_copy(update={"cobalt_api_key": SecretStr("")})
    endpoints = Endpoints(world, create_app(settings, engine=world.engine, clock=world.clock))

    assert endpoints.request("GET", path_of(world)).status_code == 503
