"""The page at `/`: it is served, its buttons do what the dashboard does, and it escapes and hides what it must."""

import asyncio
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.asgi import application
from cobalt_mirror.cobalt.sandbox.dashboard import ACTIONS
from tests.unit.sandbox.conftest import Api

EVIL = "<img src=x onerror=\"alert('1')\">"


class Elements(HTMLParser):
    """The elements of a page with their attributes, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def page_of(sandbox: Sandbox) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(application(sandbox))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8474") as browser:
            return await browser.get("/")

    return asyncio.run(get())


def actions(page: httpx.Response) -> dict[str, dict[str, Any]]:
    """The actions of the page's buttons and forms, each with its arguments."""
    return {
        action: json.loads(attributes["data-arguments"] or "")
        for _, attributes in Elements(page.text).found
        if (action := attributes.get("data-action"))
    }


@pytest.fixture
def filled(api: Api, sandbox: Sandbox) -> Sandbox:
    """An account with a connection, a config, a call, and secrets of each kind."""
    api.upsert("acme", your_app={"auth_credentials": {"token": "s3cret-1"}})
    sandbox.connect("acme", "jira")
    api("PUT", "/api/v2/public/linked-account/integration/save-key-credentials/stripe", json={"secret_key": "s3cret-2"})
    api("POST", "/api/v2/public/config", json={"slug": "jira"})
    api.browser()
    sandbox.disable_application("slack")
    return sandbox


def test_it_is_served_with_accounts_connections_configs_and_calls(filled: Sandbox) -> None:
    page = page_of(filled)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for text in ("acme", "jira oauth2 active", "stripe keybased active", "the config acme of jira", "POST /api/v2/"):
        assert text in page.text
    assert "width=device-width" in page.text
    assert "://" not in page.text  # nothing is loaded from elsewhere
    assert len(filled.calls()) == len(re.findall(r"<tr><td>", page.text))


def test_each_change_by_hand_has_a_button_that_works(filled: Sandbox, api: Api) -> None:
    found = actions(page_of(filled))

    assert set(found) == set(ACTIONS)
    typed: dict[str, dict[str, Any]] = {
        "connect": {"slug": "hubspot"},
        "rename_account": {"name": "Acme Ltd"},
        "set_udf": {"udf": {"plan": "pro"}},
        "edit_config": {"fields": {}},
        "notify_workflow": {"workflow_id": "slack_notify", "event": "Workflow Completed"},
    }
    last = ["delete_config", "disconnect", "delete_account"]
    for action in [*(each for each in ACTIONS if each not in last), *last]:
        answer = api.http.post(f"/_sandbox/dashboard/{action}", json={**found[action], **typed.get(action, {})})
        assert answer.status_code == 200, (action, answer.text)
    assert filled.state()["accounts"] == []


def test_every_button_and_input_has_a_name(filled: Sandbox) -> None:
    elements = Elements(page_of(filled).text).found
    buttons = [attributes["aria-label"] for tag, attributes in elements if tag == "button"]
    labels = [tag for tag, _ in elements if tag == "label"]
    inputs = [tag for tag, _ in elements if tag in {"input", "select"}]

    assert len(buttons) == len(set(buttons)) > len(ACTIONS)
    assert len(labels) == len(inputs) > 0


def test_it_shows_no_secret_and_runs_no_script_but_its_own(filled: Sandbox) -> None:
    page = page_of(filled)
    secrets = ["s3cret-1", "s3cret-2", "tk_sandbox", "pk_sandbox", *filled._world.tokens]

    assert not [each for each in secrets if each in page.text]
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_what_customers_are_called_is_escaped(api: Api, sandbox: Sandbox) -> None:
    api.upsert(EVIL, name=EVIL, udf={"plan": EVIL})
    sandbox.connect(EVIL, "slack", identifier=EVIL)
    api.browser(EVIL).post(
        "/api/v2/public/config", json={"slug": "slack", "config_id": EVIL, "fields": {"channel": EVIL}}
    )
    page = page_of(sandbox)

    assert "img" not in {tag for tag, _ in Elements(page.text).found}
    assert EVIL in unescape(page.text)
    assert actions(page)["delete_account"]["linked_account_id"] in {EVIL, "acme"}


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_no_other_origin_reads_it(api: Api, headers: dict[str, str]) -> None:
    assert api.http.get("/", headers=headers).status_code == 403
