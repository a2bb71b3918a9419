"""`make example`: in each app a customer goes the same way in a browser, with every process that it runs."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from examples.node.packages import NoPackages, fetch_packages
from tests.browser import chromium
from tests.pages import ROOT
from tests.visitor import PATIENCE_MS, Visitor
from tests.waiting import wait_until
from tests.world import TEST_KEY, World

#: What saves the test time, and changes nothing of what it shows.
_QUICK = {"NOTICES_SETTLE_SECONDS": "1", "WORKER_PROCESSES": "1"}


@dataclass(frozen=True, slots=True)
class RemoteSandbox:
    """The sandbox of another process, as a test asks its own."""

    url: str

    def state(self, **filters: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/_sandbox/state", params=filters, trust_env=False)
        return dict(answer.raise_for_status().json())

    def by_hand(self, action: str, **arguments: str) -> None:
        httpx.post(f"{self.url}/_sandbox/dashboard/{action}", json=arguments, trust_env=False).raise_for_status()


@dataclass(frozen=True, slots=True)
class Running:
    """The example while it runs."""

    app: str
    url: str
    world: World
    sandbox: RemoteSandbox
    process: "subprocess.Popen[str]"


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens at."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports: list[int] = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


@pytest.fixture(params=["fastapi", "django", "node"])
def example(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Running]:
    """Everything that `make example` runs, in a folder of its own; skipped in one line if the app cannot run here."""
    app = request.param
    if app == "node":
        prepare_node()
    app_port, web_port, sandbox_port = free_ports(3)
    ports = {"APP_PORT": str(app_port), "WEB_PORT": str(web_port)}
    variables = {**ports, "EXAMPLE_FOLDER": str(tmp_path), "MIRROR_SECRET_KEYS": TEST_KEY, **_QUICK}
    command = [sys.executable, "-m", f"examples.{app}", "--sandbox-port", str(sandbox_port)]
    log = tmp_path / "output.txt"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        world = World(f"sqlite:///{tmp_path / 'example.db'}")
        sandbox = RemoteSandbox(f"http://127.0.0.1:{sandbox_port}")
        world.sandbox = sandbox  # type: ignore[assignment] # only its state is asked for
        try:
            wait_until(lambda: is_up(f"http://localhost:{app_port}/"), timeout_seconds=60)
            yield Running(app, f"http://localhost:{app_port}", world, sandbox, process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            world.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def is_up(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(url, trust_env=False).status_code == 200
    return False


def prepare_node() -> None:
    """Fetch the packages of the app in Node, or say why that cannot be."""
    try:
        fetch_packages()
    except NoPackages as problem:
        pytest.skip(f"the app in Node was not tried in a browser: {problem}")


def test_a_customer_goes_the_whole_way_in_the_example_app(browser: Browser, example: Running) -> None:
    """It takes ten seconds or more for each app, as `make example` runs eight processes."""
    visitor = Visitor(browser, example.world, name=f"example {example.app}")
    visitor.page.goto(example.url)
    account = sign_up(visitor, example)
    visitor.consent("slack", "Connect Slack")
    visitor.is_told("Slack is connected.")
    visitor.sees("slack", "connected", shot="2 connected by window")
    connect_by_key(visitor)
    set_up(visitor)
    expire_and_reconnect(visitor, example, account)
    visitor.disconnect("slack", "Disconnect Slack")
    visitor.is_told("Slack is not connected.")
    visitor.sees("slack", "connect", shot="6 disconnected")
    leave(visitor, example)
    assert httpx.post(f"{example.url}/notices", json={"type": "forged"}, trust_env=False).status_code == 401
    assert visitor.complaints == []

    os.kill(example.process.pid, signal.SIGINT)
    assert example.process.wait(60) in {0, 130, -signal.SIGINT}
    wait_until(lambda: not is_up(example.url))


def sign_up(visitor: Visitor, example: Running) -> str:
    """Sign up; the page fills itself as soon as a worker has been at Cobalt."""
    form = visitor.page.locator('form[action="/sign-up"]')
    form.get_by_label("Company").fill("Acme Ltd")
    form.get_by_label("E-mail").fill("ann@acme.example")
    form.get_by_label("Password").fill("correct horse")
    form.get_by_role("button").click()
    expect(visitor.card("slack")).to_be_visible(timeout=PATIENCE_MS)
    wait_until(visitor.agrees)
    visitor.shoot("1 signed up")
    [(account, name)] = [(row["linked_account_id"], row["name"]) for row in example.world.rows("linked_accounts")]
    assert (name, example.sandbox.state()["accounts"][0]["linked_account_id"]) == ("Acme Ltd", account)
    return str(account)


def connect_by_key(visitor: Visitor) -> None:
    visitor.press("stripe", "Connect Stripe")
    visitor.card("stripe").get_by_label("Secret key").fill("sk_of_acme")
    visitor.card("stripe").locator("form").get_by_role("button").click()
    visitor.is_told("Stripe is connected.")
    visitor.sees("stripe", "connected", shot="3 connected by key")


def set_up(visitor: Visitor) -> None:
    visitor.press("slack", "Settings of Slack")
    form = visitor.card("slack").locator(".settings-form")
    form.get_by_label("Channel").select_option("Alerts")
    form.get_by_role("button", name="Save").click()
    visitor.is_told("The settings of Slack are saved.")
    wait_until(visitor.agrees)
    assert visitor.world.row("configs", slug="slack")["fields"] == {"channel": "alerts"}
    visitor.press("slack", "Settings of Slack")
    expect(form.get_by_label("Channel")).to_have_value("alerts")
    visitor.shoot("4 set up")


def expire_and_reconnect(visitor: Visitor, example: Running, account: str) -> None:
    example.sandbox.by_hand("expire_connection", linked_account_id=account, slug="slack")
    wait_until(lambda: example.world.row("connections", slug="slack")["status"] == "reauth_required")
    visitor.page.reload()
    visitor.sees("slack", "reconnect", shot="5 expired")
    wait_until(lambda: {"delivered"} == {row["status"] for row in example.world.rows("notices")})
    visitor.page.get_by_role("link", name="Back").click()
    expect(visitor.page.get_by_text("slack has to be connected again")).to_be_visible()
    visitor.shoot("5 notified")
    visitor.page.get_by_role("link", name="reconnect").click()
    expect(visitor.page).to_have_url(re.compile("/connect/"))
    visitor.page.goto(example.url)
    visitor.page.get_by_role("link", name="Integrations").click()
    visitor.consent("slack", "Reconnect Slack")
    visitor.is_told("Slack is connected.")
    visitor.sees("slack", "connected", shot="5 reconnected")


def leave(visitor: Visitor, example: Running) -> None:
    visitor.page.get_by_role("link", name="Back").click()
    visitor.page.get_by_role("button", name="Delete my account").click()
    expect(visitor.page.get_by_role("heading", name="Sign up")).to_be_visible()
    wait_until(lambda: example.sandbox.state()["accounts"] == [])
    wait_until(lambda: example.world.row("linked_accounts")["status"] == "deleted")
