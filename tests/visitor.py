"""A customer in a browser, on a phone, at a page of integrations."""

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, expect

from tests.browser import screenshot_file
from tests.waiting import wait_until
from tests.world import World

PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 30_000
#: The vendor's package looks every three seconds whether the customer has consented; here it does so at once.
_IMPATIENT = """
const slowly = window.setInterval;
window.setInterval = (look, ms, ...more) => slowly(look, ms === 3000 ? 50 : ms, ...more);
"""
#: What the mirror calls the states of a card.
_STATUSES = {"connected": "connected", "reconnect": "reauth_required", "connect": "disconnected"}


class Visitor:
    """A customer in a browser of their own; what that complains about is kept.

    Args:
        browser: the browser.
        world: the mirror, and the sandbox that it must agree with.
        name: what the names of the screenshots begin with.
    """

    def __init__(self, browser: Browser, world: World, *, name: str) -> None:
        context = browser.new_context(viewport=PHONE)
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.page.add_init_script(_IMPATIENT)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        self.world, self.name = world, name

    def _note(self, message: ConsoleMessage) -> None:
        """Keep what concerns the content security policy; that a key is refused is an error in the console, too."""
        if "Policy" in message.text:
            self.complaints.append(message.text)

    def shoot(self, name: str) -> None:
        """Keep a screenshot."""
        self.page.screenshot(path=screenshot_file(f"{self.name} {name}"))

    def card(self, slug: str) -> Locator:
        """The card of an application."""
        return self.page.locator(f'.card[data-slug="{slug}"]')

    def press(self, slug: str, button: str) -> None:
        """Press a button of a card."""
        self.card(slug).get_by_role("button", name=button, exact=True).click()

    def consent(self, slug: str, button: str, *, decision: str = "Allow") -> None:
        """Press a button of a card, and decide in the window that it opens."""
        with self.page.expect_popup() as opened:
            self.press(slug, button)
        opened.value.get_by_role("button", name=decision).click()
        if decision != "Allow":
            opened.value.close()

    def disconnect(self, slug: str, button: str, *, decision: str = "Disconnect") -> None:
        """Press a button of a card, and answer the question."""
        self.press(slug, button)
        self.page.get_by_role("dialog").get_by_role("button", name=decision).click()

    def is_told(self, text: str) -> None:
        """Wait until the page says something."""
        expect(self.page.get_by_role("status")).to_contain_text(text, timeout=PATIENCE_MS)

    def agrees(self) -> bool:
        """Return whether the mirror has what the sandbox has."""
        return self.world.mirror() == self.world.truth()

    def sees(self, slug: str, state: str, *, shot: str) -> None:
        """Wait until the card shows a state; then mirror and sandbox agree with it."""
        expect(self.card(slug)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)
        wait_until(self.agrees)
        assert self.world.row("connections", slug=slug)["status"] == _STATUSES[state]
        self.card(slug).scroll_into_view_if_needed()
        self.shoot(shot)
