"""Customers connect, set up and disconnect applications on the page, in a real Chromium, on a phone.

`@cobaltio/cobalt-js` 8 runs as npm has it. Where an application holds several connections, a stand-in for the newer
package does. Each test takes some seconds, for a browser and three servers.
"""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.events import UserSignedUp
from tests.browser import chromium
from tests.integration.page.site import Site, served_site
from tests.visitor import PATIENCE_MS, Visitor
from tests.waiting import wait_until
from tests.world import World

REFOLD = Path(__file__).with_name("refold.cjs")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with Acme, a customer whom Cobalt knows."""
    world = make_world()
    world.fill_catalogue()
    world.publish(UserSignedUp("acme", name="Acme Ltd"))
    world.work()
    return world


@pytest.fixture
def enter(browser: Browser, world: World) -> Callable[[Site], Visitor]:
    """Has Acme's customer sign in and open the page of a site."""

    def open_page(site: Site) -> Visitor:
        visitor = Visitor(browser, world, name="page")
        visitor.page.goto(f"{site.url}/sign-in/acme")
        visitor.page.goto(f"{site.url}/integrations")
        return visitor

    return open_page


def test_a_customer_goes_the_whole_way_on_a_phone(enter: Callable[[Site], Visitor], world: World) -> None:
    with served_site(world) as site:
        visitor = enter(site)

        visitor.consent("slack", "Connect Slack", decision="Deny")
        visitor.is_told("Slack was not connected")
        world.sandbox.add_faults(Fault(route="sdk_oauth_url", status=HTTPStatus.BAD_GATEWAY, times=1))
        visitor.press("slack", "Connect Slack")
        visitor.is_told("This cannot be done now. Try again later.")
        visitor.consent("slack", "Connect Slack")
        visitor.is_told("Slack is connected.")
        visitor.sees("slack", "connected", shot="1 connected by window")
        connect_by_key(visitor)
        set_up(visitor)
        expire_and_reconnect(visitor)
        visitor.disconnect("slack", "Disconnect Slack", decision="Keep it")
        visitor.disconnect("slack", "Disconnect Slack")
        visitor.is_told("Slack is not connected.")
        visitor.sees("slack", "connect", shot="6 disconnected")

        assert visitor.complaints == []
        overflow = visitor.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0


def connect_by_key(visitor: Visitor) -> None:
    """Type in nothing, a wrong key and a right one."""
    stripe = visitor.card("stripe")
    visitor.press("stripe", "Connect Stripe")
    field = stripe.get_by_label("Secret key")
    expect(field).to_be_focused()
    submit = stripe.locator("form").get_by_role("button")
    submit.click()
    expect(stripe.get_by_text("Secret key is required.")).to_be_visible()
    expect(field).to_be_focused()
    field.fill("invalid")
    submit.click()
    expect(stripe.get_by_role("alert")).to_contain_text("did not accept")
    visitor.shoot("2 key refused")
    field.fill("sk_of_acme")
    field.press("Enter")
    visitor.is_told("Stripe is connected.")
    visitor.sees("stripe", "connected", shot="3 connected by key")
    assert "sk_of_acme" not in visitor.world.everything_stored() + visitor.page.content()


def set_up(visitor: Visitor) -> None:
    """Fill in settings for the first time, with errors of the page's own and of Cobalt's."""
    visitor.press("stripe", "Settings of Stripe")
    form = visitor.card("stripe").locator(".settings-form")
    expect(form.get_by_role("heading")).to_be_focused()
    form.get_by_label("Days to look back").fill("many")
    form.get_by_role("button", name="Save").click()
    visitor.is_told("Nothing was saved: 2 of the settings cannot be saved.")
    expect(form.get_by_label("Currency")).to_be_focused()
    visitor.shoot("4 settings with errors")
    form.get_by_label("Currency").select_option("Eur")
    form.get_by_label("Days to look back").fill("30")
    form.get_by_label("Signing secret").fill("whsec_of_acme")
    form.get_by_label("Switched on").first.check()
    form.get_by_role("button", name="Save").click()
    visitor.is_told("The settings of Stripe are saved.")
    expect(visitor.card("stripe").get_by_role("button", name="Settings of Stripe")).to_be_focused()
    wait_until(visitor.agrees)
    configs = visitor.world.sandbox.state(secrets=True)["configs"]
    [config] = [each for each in configs if each["slug"] == "stripe"]
    assert config["fields"] == {"currency": "eur", "signing_secret": "whsec_of_acme"}
    assert visitor.world.row("configs", slug="stripe")["fields"] == {"currency": "eur"}
    visitor.press("stripe", "Settings of Stripe")
    expect(form.get_by_label("Days to look back")).to_have_value("30")
    expect(form.get_by_label("Signing secret")).to_have_value("")
    form.get_by_role("button", name="Close").click()


def expire_and_reconnect(visitor: Visitor) -> None:
    """Cobalt notifies of the expiry; a page that is loaded then asks to connect again."""
    world = visitor.world
    world.sandbox.expire_connection("acme", "slack")
    wait_until(lambda: world.row("connections", slug="slack")["status"] == "reauth_required")
    visitor.page.reload()
    visitor.sees("slack", "reconnect", shot="5 expired")
    visitor.consent("slack", "Reconnect Slack")
    visitor.is_told("Slack is connected.")
    visitor.sees("slack", "connected", shot="5 reconnected")


def test_several_connections_of_one_application_with_the_newer_package(
    enter: Callable[[Site], Visitor], world: World
) -> None:
    with served_site(world, sdk=REFOLD) as site:
        visitor = enter(site)
        for number, button in enumerate(("Connect Xero by signing in", "Connect another Xero by signing in"), 1):
            visitor.consent("xero", button)
            expect(visitor.card("xero").locator("[data-connection]")).to_have_count(number, timeout=PATIENCE_MS)
        wait_until(visitor.agrees)
        first, second = (each["connection_id"] for each in world.row("connections")["accounts"])

        world.sandbox.expire_connection("acme", "xero", connection_id=first)
        wait_until(lambda: world.row("connections")["status"] == "reauth_required")
        visitor.page.reload()
        with visitor.page.expect_popup() as opened:
            visitor.card("xero").get_by_role("button", name="Reconnect").click()
        opened.value.get_by_role("button", name="Allow").click()
        visitor.is_told("Xero is connected.")
        wait_until(visitor.agrees)
        assert {each["connection_id"] for each in world.row("connections")["accounts"]} == {first, second}

        own = visitor.card("xero").locator(f'[data-connection="{second}"]')
        own.get_by_role("button", name="Settings").click()
        form = visitor.card("xero").locator(".settings-form")
        form.get_by_label("Account code").fill("200")
        form.get_by_role("button", name="Save").click()
        visitor.is_told("The settings of Xero are saved.")
        own.get_by_role("button", name="Disconnect").click()
        visitor.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
        expect(visitor.card("xero").locator("[data-connection]")).to_have_count(1, timeout=PATIENCE_MS)
        wait_until(visitor.agrees)

        assert [each["connection_id"] for each in world.row("connections")["accounts"]] == [first]
        assert world.row("configs", connection_id=second)["status"] == "deleted"
        assert visitor.complaints == []
        visitor.press("sap", "Connect SAP")
        visitor.card("sap").get_by_label("Client id").fill("c")
        visitor.card("sap").get_by_label("Client secret").fill("s")
        visitor.card("sap").locator("form").get_by_role("button").click()
        visitor.is_told("SAP is connected.")
