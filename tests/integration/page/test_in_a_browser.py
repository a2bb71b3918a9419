"""Customers connect, set up and disconnect applications on the page, in a real Chromium, on a phone.

`@cobaltio/cobalt-js` 8 runs as npm has it. Where an application holds several connections, a stand-in for the newer
package does. Each test takes some seconds, for a browser and three servers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect

from cobalt_mirror.events import UserSignedUp
from tests.browser import chromium, screenshot_file
from tests.integration.page.site import Site, served_site
from tests.waiting import wait_until
from tests.world import World

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
REFOLD = Path(__file__).with_name("refold.cjs")
#: The vendor's package looks every three seconds whether the customer has consented; here it does so at once.
IMPATIENT = """
const slowly = window.setInterval;
window.setInterval = (look, ms, ...more) => slowly(look, ms === 3000 ? 50 : ms, ...more);
"""


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


class Visitor:
    """Acme's customer at the page; what the browser complains about is kept."""

    def __init__(self, browser: Browser, site: Site) -> None:
        context = browser.new_context(viewport=PHONE)
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.add_init_script(IMPATIENT)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if "Policy" in message.text else None
        )
        self.site = site
        self.page.goto(f"{site.url}/sign-in/acme")
        self.page.goto(f"{site.url}/integrations")

    def note(self, message: ConsoleMessage) -> None:
        """Keep what concerns the content security policy; that a key is refused is an error in the console, too."""
        if "Policy" in message.text:
            self.complaints.append(message.text)

    def card(self, slug: str) -> Locator:
        return self.page.locator(f'.card[data-slug="{slug}"]')

    def press(self, slug: str, button: str) -> None:
        self.card(slug).get_by_role("button", name=button, exact=True).click()

    def consent(self, slug: str, button: str, *, decision: str = "Allow") -> None:
        """Press a button of a card, and decide in the window that it opens."""
        with self.page.expect_popup() as opened:
            self.press(slug, button)
        opened.value.get_by_role("button", name=decision).click()
        if decision != "Allow":
            opened.value.close()

    def is_told(self, text: str) -> None:
        expect(self.page.get_by_role("status")).to_contain_text(text, timeout=PATIENCE_MS)

    def sees(self, slug: str, state: str, *, shot: str) -> None:
        """Wait until the card shows a state; then mirror and sandbox agree with it."""
        expect(self.card(slug)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)
        wait_until(self.site.agrees)
        statuses = {"connected": "connected", "reconnect": "reauth_required", "connect": "disconnected"}
        assert self.site.world.row("connections", slug=slug)["status"] == statuses[state]
        self.card(slug).scroll_into_view_if_needed()
        self.page.screenshot(path=screenshot_file(f"page {shot}"))


def test_a_customer_goes_the_whole_way_on_a_phone(browser: Browser, world: World) -> None:
    with served_site(world) as site:
        visitor = Visitor(browser, site)

        visitor.consent("slack", "Connect Slack", decision="Deny")
        visitor.is_told("Slack was not connected")
        visitor.consent("slack", "Connect Slack")
        visitor.is_told("Slack is connected.")
        visitor.sees("slack", "connected", shot="1 connected by window")
        connect_by_key(visitor)
        set_up(visitor)
        expire_and_reconnect(visitor)
        visitor.press("slack", "Disconnect Slack")
        visitor.page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
        visitor.press("slack", "Disconnect Slack")
        visitor.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
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
    visitor.page.screenshot(path=screenshot_file("page 2 key refused"))
    field.fill("sk_of_acme")
    field.press("Enter")
    visitor.is_told("Stripe is connected.")
    visitor.sees("stripe", "connected", shot="3 connected by key")
    assert "sk_of_acme" not in visitor.site.world.everything_stored() + visitor.page.content()


def set_up(visitor: Visitor) -> None:
    """Fill in settings for the first time, with errors of the page's own and of Cobalt's."""
    visitor.press("stripe", "Settings of Stripe")
    form = visitor.card("stripe").locator(".settings-form")
    expect(form.get_by_role("heading")).to_be_focused()
    form.get_by_label("Days to look back").fill("many")
    form.get_by_role("button", name="Save").click()
    visitor.is_told("Nothing was saved: 2 of the settings cannot be saved.")
    expect(form.get_by_label("Currency")).to_be_focused()
    visitor.page.screenshot(path=screenshot_file("page 4 settings with errors"))
    form.get_by_label("Currency").select_option("Eur")
    form.get_by_label("Days to look back").fill("30")
    form.get_by_label("Signing secret").fill("whsec_of_acme")
    form.get_by_label("Switched on").first.check()
    form.get_by_role("button", name="Save").click()
    visitor.is_told("The settings of Stripe are saved.")
    expect(visitor.card("stripe").get_by_role("button", name="Settings of Stripe")).to_be_focused()
    wait_until(visitor.site.agrees)
    configs = visitor.site.world.sandbox.state(secrets=True)["configs"]
    [config] = [each for each in configs if each["slug"] == "stripe"]
    assert config["fields"] == {"currency": "eur", "signing_secret": "whsec_of_acme"}
    assert visitor.site.world.row("configs", slug="stripe")["fields"] == {"currency": "eur"}
    visitor.press("stripe", "Settings of Stripe")
    expect(form.get_by_label("Days to look back")).to_have_value("30")
    expect(form.get_by_label("Signing secret")).to_have_value("")
    form.get_by_role("button", name="Close").click()


def expire_and_reconnect(visitor: Visitor) -> None:
    """Cobalt notifies of the expiry; a page that is loaded then asks to connect again."""
    world = visitor.site.world
    world.sandbox.expire_connection("acme", "slack")
    wait_until(lambda: world.row("connections", slug="slack")["status"] == "reauth_required")
    visitor.page.reload()
    visitor.sees("slack", "reconnect", shot="5 expired")
    visitor.consent("slack", "Reconnect Slack")
    visitor.is_told("Slack is connected.")
    visitor.sees("slack", "connected", shot="5 reconnected")


def test_several_connections_of_one_application_with_the_newer_package(browser: Browser, world: World) -> None:
    with served_site(world, sdk=REFOLD) as site:
        visitor = Visitor(browser, site)
        for number, button in enumerate(("Connect Xero by signing in", "Connect another Xero by signing in"), 1):
            visitor.consent("xero", button)
            expect(visitor.card("xero").locator("[data-connection]")).to_have_count(number, timeout=PATIENCE_MS)
        wait_until(site.agrees)
        first, second = (each["connection_id"] for each in world.row("connections")["accounts"])

        world.sandbox.expire_connection("acme", "xero", connection_id=first)
        wait_until(lambda: world.row("connections")["status"] == "reauth_required")
        visitor.page.reload()
        with visitor.page.expect_popup() as opened:
            visitor.card("xero").get_by_role("button", name="Reconnect").click()
        opened.value.get_by_role("button", name="Allow").click()
        visitor.is_told("Xero is connected.")
        wait_until(site.agrees)
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
        wait_until(site.agrees)

        assert [each["connection_id"] for each in world.row("connections")["accounts"]] == [first]
        assert world.row("configs", connection_id=second)["status"] == "deleted"
        assert visitor.complaints == []
        visitor.press("sap", "Connect SAP")
        visitor.card("sap").get_by_label("Client id").fill("c")
        visitor.card("sap").get_by_label("Client secret").fill("s")
        visitor.card("sap").locator("form").get_by_role("button").click()
        visitor.is_told("SAP is connected.")
