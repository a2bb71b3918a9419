"""The script of the page at `/`, in a real Chromium: it shows calls as they come, and its buttons do what they say."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from tests.browser import chromium
from tests.visitor import PATIENCE_MS

ACCOUNT = "/api/v2/public/linked-account"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page


def test_it_shows_a_call_as_it_comes_and_changes_what_a_button_says(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with SandboxServer(Sandbox(rate_limited=False)) as server:
        sign_up(server, "acme")
        server.sandbox.connect("acme", "slack")
        page.goto(server.url)
        expect(page.get_by_text("acme", exact=True).first).to_be_visible(timeout=PATIENCE_MS)

        sign_up(server, "late")
        expect(page.get_by_role("row", name="late")).to_contain_text(f"PUT {ACCOUNT}", timeout=PATIENCE_MS)

        page.locator("summary", has_text="acme").click()
        page.get_by_role("button", name="Expire: slack of acme").click()
        expect(page.get_by_role("status")).to_have_text("expire_connection: done", timeout=PATIENCE_MS)
        expect(page.get_by_text("slack oauth2 expired")).to_be_visible(timeout=PATIENCE_MS)  # and acme is still open
        [connection] = server.sandbox.state()["connections"]
        assert [account["status"] for account in connection["accounts"]] == ["expired"]

        page.locator("details", has_text="acme").get_by_label("New name").fill("Acme Ltd")
        page.get_by_role("button", name="Rename: acme").click()
        expect(page.get_by_role("status")).to_have_text("rename_account: done", timeout=PATIENCE_MS)
        expect(page.locator("summary", has_text="Acme Ltd")).to_be_visible(timeout=PATIENCE_MS)
        page.goto("about:blank")  # so that it asks no server that has ended
    assert complaints == []


def sign_up(server: SandboxServer, linked_account_id: str) -> None:
    """Make a call of the API."""
    body = {"linked_account_id": linked_account_id}
    httpx.put(f"{server.url}{ACCOUNT}", json=body, headers={"x-api-key": "tk_sandbox"}, trust_env=False)
