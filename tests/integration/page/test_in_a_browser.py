"""Customers connect, set up and disconnect applications on the page, in a real Chromium with the vendor's real SDK."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from cobalt_mirror.events import UserSignedUp
from tests.browser import chromium, screenshot_file
from tests.integration.page.site import Site, served_site
from tests.waiting import wait_until
from tests.world import World

#: A phone's window.
PHONE = {"width": 390, "height": 844}
#: The SDK looks every three seconds whether the customer has consented.
PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def site(migrated_sqlite: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A customer who has signed up, on the host's site."""
    import shutil

    file = tmp_path_factory.mktemp("page") / "mirror.db"
    shutil.copy(str(migrated_sqlite), file)
    world = World(f"sqlite:///{file}")
    world.fill_catalogue()
    world.publish(UserSignedUp("acme", name="Acme Ltd"))
    world.work()
    with served_site(world) as served:
        yield served
    world.close()


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with chromium() as browser:
        context = browser.new_context(viewport=PHONE, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        yield context


@pytest.fixture(scope="module")
def page(context: BrowserContext, site: Site) -> Page:
    page = context.new_page()
    page.on("console", lambda message: print("CONSOLE", message.type, message.text))
    page.on("pageerror", lambda error: print("ERROR", error))
    page.goto(f"{site.url}/sign-in/acme")
    page.goto(f"{site.url}/integrations")
    return page


def card(page: Page, slug: str) -> Locator:
    return page.locator(f'.card[data-slug="{slug}"]')


def test_walk(page: Page, site: Site) -> None:
    page.screenshot(path=screenshot_file("1 page"), full_page=False)
    slack = card(page, "slack")
    with page.expect_popup() as opened:
        slack.get_by_role("button", name="Connect Slack").click()
    popup = opened.value
    popup.get_by_role("button", name="Allow").click()
    expect(slack).to_have_attribute("data-state", "connected", timeout=PATIENCE_MS)
    wait_until(site.agrees)
    page.screenshot(path=screenshot_file("2 connected"), full_page=False)
    stripe = card(page, "stripe")
    stripe.get_by_role("button", name="Connect Stripe").click()
    stripe.get_by_label("Secret key").fill("invalid")
    stripe.locator("form").get_by_role("button").click()
    expect(stripe.locator(".form-error")).to_contain_text("did not accept")
    stripe.get_by_label("Secret key").fill("sk_live_1")
    stripe.locator("form").get_by_role("button").click()
    expect(stripe).to_have_attribute("data-state", "connected", timeout=PATIENCE_MS)
    slack.get_by_role("button", name="Settings of Slack").click()
    form = slack.locator(".settings-form")
    expect(form).to_be_visible(timeout=PATIENCE_MS)
    page.screenshot(path=screenshot_file("3 settings"), full_page=False)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Channel is required.")).to_be_visible()
    form.get_by_label("Channel").select_option("General")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#status")).to_contain_text("are saved", timeout=PATIENCE_MS)
    site.world.sandbox.expire_connection("acme", "slack")
    wait_until(lambda: site.world.row("connections", slug="slack")["status"] == "reauth_required")
    page.reload()
    with page.expect_popup() as opened:
        slack.get_by_role("button", name="Reconnect Slack").click()
    opened.value.get_by_role("button", name="Allow").click()
    expect(slack).to_have_attribute("data-state", "connected", timeout=PATIENCE_MS)
    slack.get_by_role("button", name="Disconnect Slack").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(slack).to_have_attribute("data-state", "connect", timeout=PATIENCE_MS)
    wait_until(site.agrees)
