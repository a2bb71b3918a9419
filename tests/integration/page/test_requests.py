"""What the page's requests do to the event log and the mirror, and which requests it refuses."""

import asyncio
import re
import threading
from contextlib import closing
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import SandboxTransport
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized
from cobalt_mirror.workers.web.page.actions import MOST_ASKING
from cobalt_mirror.workers.web.page.visitor import PAGE_HEADER, Visitor
from tests.integration.page.conftest import Visit
from tests.integration.page.site import make_site
from tests.world import World

SECRET = "whsec_of_stripe"
#: Every request that changes something, with a body that is right.
UNSAFE: dict[str, dict[str, Any]] = {
    "token": {},
    "connected": {"slug": "slack"},
    "disconnect": {"slug": "slack"},
    "prepared": {"slug": "slack"},
    "settings": {"slug": "slack", "answers": [], "enabled": {}},
}


def connect(visit: Visit, slug: str, *, with_config: bool = True) -> None:
    """Connect an application as a customer does, until the mirror shows it."""
    visit.world.sandbox.connect(visit.account, slug)
    visit.world.publish(ConnectionAuthorized(visit.account, slug))
    if with_config:
        visit.world.publish(ConfigChanged(visit.account, slug, fields={}, workflows=[]))
    visit.world.work_until_quiet()


def events(visit: Visit) -> list[tuple[str, str, dict[str, Any]]]:
    """What the page has published."""
    rows = visit.world.rows("events", source="integrations_page")
    return [(row["type"], row["linked_account_id"], row["payload"]) for row in rows]


def test_the_page_shows_every_application_by_the_vendor_s_name_and_icon(visit: Visit) -> None:
    page = visit.get("")

    names = re.findall(r'data-name="([^"]+)"', page.text)
    assert names == sorted((row["name"] for row in visit.world.rows("applications")), key=str.casefold)
    assert page.text.count('<img class="icon" src="data:image/svg+xml') == len(names)
    nonce = re.search(r"script-src 'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'page.js" nonce="{nonce[1]}"' in page.text
    assert "connect-src 'self' http://sandbox.test;" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_its_script_style_and_sdk_come_from_the_page_itself(visit: Visit) -> None:
    page = visit.get("").text
    folders = set(re.findall(r'(?:src|href)="(static/[0-9a-f]{16})/', page))

    assert len(folders) == 1
    for name in ("page.js", "cards.js", "connecting.js", "settings.js", "sdk.js", "style.css"):
        answer = visit.get(f"{min(folders)}/{name}")
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    assert visit.get("static/0000/page.js").headers["cache-control"] == "no-store"  # of another release
    assert visit.get(f"{min(folders)}/app.py").status_code == 404


def test_what_a_customer_does_is_published_in_order_and_the_card_says_so(visit: Visit) -> None:
    connect(visit, "slack", with_config=False)
    assert visit.post("connected", slug="slack", auth_type="oauth2").status_code == 202
    assert visit.card("slack")["pending"]
    visit.world.work_until_quiet()
    assert (visit.card("slack")["state"], visit.card("slack")["pending"]) == ("connected", False)

    assert visit.post("disconnect", slug="slack").status_code == 202
    visit.world.work_until_quiet()

    assert visit.card("slack")["state"] == "connect"
    assert [(type_, account) for type_, account, _ in events(visit)] == [
        ("connection_authorized", "acme"),
        ("connection_removed", "acme"),
    ]
    assert visit.world.mirror() == visit.world.truth()


class Held(httpx.BaseTransport):
    """A Cobalt that does not answer yet."""

    def __init__(self, world: World) -> None:
        self.answers, self._sandbox = threading.Event(), SandboxTransport(world.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self.answers.wait(30)
        return self._sandbox.handle_request(request)


def test_a_cobalt_that_hangs_does_not_take_the_threads_of_the_host_s_app(visit: Visit) -> None:
    cobalt = Held(visit.world)

    async def ask_at_once() -> list[int]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(make_site(visit.world, client)),
            base_url="http://app.test",
            cookies={"account": visit.account},
            headers=visit.headers,
        ) as browser:
            asked = [
                asyncio.ensure_future(browser.post("/integrations/token", json={})) for _ in range(MOST_ASKING + 1)
            ]
            ended, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            cobalt.answers.set()
            return [answer.status_code for answer in [*await asyncio.gather(*ended), *await asyncio.gather(*waiting)]]

    with closing(Client(visit.world.key, base_url="http://sandbox.test", transport=cobalt)) as client:
        assert asyncio.run(ask_at_once()) == [503] + [200] * MOST_ASKING


def test_settings_are_saved_and_a_password_is_sealed_and_never_shown(visit: Visit) -> None:
    connect(visit, "stripe")
    form = visit.get("settings", slug="stripe")
    assert 'type="password"' in form.text
    answers = [
        {"workflow": None, "field": "currency", "values": ["eur"]},
        {"workflow": None, "field": "signing_secret", "values": [SECRET]},
        {"workflow": "stripe_dunning", "field": "reminders", "values": ["3"]},
    ]

    saved = visit.post("settings", slug="stripe", answers=answers, enabled={"stripe_dunning": True})

    assert saved.status_code == 202
    assert "sealed" in events(visit)[-1][2]
    assert SECRET not in visit.world.everything_stored()
    visit.world.work_until_quiet()
    [config] = visit.world.sandbox.state(secrets=True)["configs"]
    assert config["fields"] == {"currency": "eur", "signing_secret": SECRET}
    assert visit.world.row("configs")["fields"] == {"currency": "eur"}
    shown = visit.get("settings", slug="stripe").text
    assert '<option value="eur" selected>' in shown
    assert SECRET not in shown + visit.get("").text


def test_what_cobalt_says_of_a_field_is_beside_it(visit: Visit) -> None:
    connect(visit, "slack")
    visit.world.publish(ConfigChanged("acme", "slack", fields={"channel": "nowhere"}))
    visit.world.work_until_quiet()

    form = visit.get("settings", slug="slack").text

    assert re.search(r'<p class="error" id="s-\w+-1-1-error">Channel is not one of the choices\.</p>', form)
    assert visit.card("slack")["faults"] == 1


def test_what_cannot_be_saved_is_said_field_by_field_and_nothing_is_published(visit: Visit) -> None:
    connect(visit, "google_sheets")
    answers = [{"workflow": None, "field": "header_row", "values": ["first"]}]

    refused = visit.post("settings", slug="google_sheets", answers=answers)

    assert refused.status_code == 422
    assert {(each["field"], each["message"]) for each in refused.json()["errors"]} == {
        ("header_row", "Enter a number."),
        ("spreadsheet", "Spreadsheet is required."),
    }
    assert events(visit) == []


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("spreadsheet", "a\x0bb", "Spreadsheet has a character that cannot be saved; type it in again."),
        ("spreadsheet", "x" * 400_000, "Spreadsheet is too long; shorten it."),
        ("header_row", "1e30", "Enter a number with fewer digits."),
    ],
)
def test_what_no_event_may_have_is_said_beside_its_field(visit: Visit, field: str, text: str, message: str) -> None:
    connect(visit, "google_sheets")

    answers = [{"workflow": None, "field": "spreadsheet", "values": ["one"]}] if field != "spreadsheet" else []
    refused = visit.post(
        "settings", slug="google_sheets", answers=[*answers, {"workflow": None, "field": field, "values": [text]}]
    )

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"workflow": None, "field": field, "message": message}]
    assert events(visit) == []


def test_a_form_of_an_older_schema_is_refused(visit: Visit) -> None:
    connect(visit, "slack")
    gone = [{"workflow": None, "field": "no_such", "values": ["1"]}]

    assert visit.post("settings", slug="slack", answers=gone).status_code == 409
    assert visit.post("settings", slug="jira", answers=[]).status_code == 409  # it has no settings at all
    assert visit.get("settings", slug="jira").status_code == 404


def test_a_connection_of_several_is_named_in_the_event_and_has_its_own_settings(visit: Visit) -> None:
    for _ in range(2):
        connect(visit, "xero", with_config=False)
    first, second = (each["connection_id"] for each in visit.world.row("connections")["accounts"])
    html = visit.card("xero")["html"]
    assert html.count("data-connection=") == 2

    visit.post("disconnect", slug="xero", connection_id=first)
    visit.world.work_until_quiet()

    [left] = visit.world.row("connections")["accounts"]
    assert left["connection_id"] == second
    assert visit.world.mirror() == visit.world.truth()


def test_another_customer_s_applications_are_not_reachable(visit: Visit) -> None:
    connect(visit, "slack")
    other = Visit(visit.world, account="other")

    assert other.card("slack")["state"] == "connect"
    assert other.get("settings", slug="slack").status_code == 404
    other.post("disconnect", slug="slack")
    visit.world.work_until_quiet()
    assert visit.card("slack")["state"] == "connected"


@pytest.mark.parametrize("path", UNSAFE)
def test_only_the_customer_s_own_page_changes_anything(visit: Visit, path: str) -> None:
    own, body = visit.headers, UNSAFE[path]
    attempts: list[tuple[dict[str, str], int]] = [
        ({}, 403),
        ({"sec-fetch-site": "same-origin"}, 403),
        ({PAGE_HEADER: own[PAGE_HEADER]}, 403),
        (own | {"sec-fetch-site": "same-site"}, 403),
        (own | {"sec-fetch-site": "cross-site"}, 403),
        (own | {"sec-fetch-site": "none"}, 403),
        (own | {PAGE_HEADER: Visitor("other").mark}, 409),
    ]

    for headers, status in attempts:
        assert visit.request("POST", path, json=body, headers=headers).status_code == status
    assert Visit(visit.world, account="").post(path, **body).status_code == 401
    assert events(visit) == []
    assert visit.world.sandbox.calls(route="session_token") == []


@pytest.mark.parametrize("path", ["connected", "disconnect", "prepared"])
def test_an_application_that_is_not_there_becomes_no_event(visit: Visit, path: str) -> None:
    """Each would be dead, and call the operator: a customer could do that as often as they liked."""
    for slug in ("no_such", "../..", "x" * 200):
        assert visit.post(path, slug=slug).status_code == 404
    assert events(visit) == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"slug": ""}', b'{"slug": "slack", "more": 1}', b'{"slug": 1}', b"{"])
def test_a_body_that_the_page_does_not_send_is_refused(visit: Visit, body: bytes) -> None:
    assert visit.request("POST", "connected", content=body, headers=visit.headers).status_code == 400
    assert events(visit) == []


def test_who_is_not_signed_in_is_led_to_the_host_s_page(visit: Visit) -> None:
    nobody = Visit(visit.world, account="")

    assert (nobody.get("").status_code, nobody.get("").headers["location"]) == (303, "/enter/nobody")
    assert nobody.get("cards").status_code == 401


def test_without_keys_a_password_is_refused_and_stored_nowhere(visit: Visit) -> None:
    connect(visit, "stripe")
    visit.world.settings = visit.world.settings.model_copy(update={"mirror_secret_keys": SecretStr("")})
    answers = [
        {"workflow": None, "field": "currency", "values": ["eur"]},
        {"workflow": None, "field": "signing_secret", "values": [SECRET]},
    ]

    refused = visit.post("settings", slug="stripe", answers=answers)

    assert refused.status_code == 503
    assert SECRET not in refused.text + visit.world.everything_stored()
    assert events(visit) == []


def test_when_cobalt_does_not_answer_the_page_says_so_and_shows_no_detail(visit: Visit) -> None:
    visit.world.use_key("tk_wrong")

    refused = visit.post("token")

    assert (refused.status_code, refused.json()) == (503, {"error": "this cannot be done now; try again later"})
