"""The paths of both generations of the browser SDK, with a session token alone."""

from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, PUBLIC, Api, ok, refused

PARTNERS = "65a4f0c1d2e3b4a5968778a2"
CREDENTIALS = {"client_id": "c", "client_secret": "s"}


@pytest.fixture
def browser(api: Api) -> httpx.Client:
    return api.browser()


def allow(api: Api, address: str) -> None:
    form = dict(api.http.build_request("GET", address).url.params)
    assert api.http.post("/consent", data=form).status_code == 200


def accounts(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [account for row in sandbox.state()["connections"] for account in row["accounts"]]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_grant_answers_the_address_of_a_window(
    api: Api, browser: httpx.Client, sandbox: Sandbox, method: str
) -> None:
    fields: dict[str, Any] = {"subdomain": "acme", "redirect_url": "https://host.example/done"}
    sent: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
    answer = ok(browser.request(method, "/api/v1/zendesk/integrate", **sent))

    assert set(answer) == {"auth_url"}
    form = dict(api.http.build_request("GET", answer["auth_url"]).url.params)
    assert api.http.post("/consent", data=form).headers["location"].startswith("https://host.example/done?")
    assert [account["auth_type"] for account in accounts(sandbox)] == ["oauth2"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_said_of_the_connection_passes_through_the_window(
    api: Api, browser: httpx.Client, sandbox: Sandbox, method: str
) -> None:
    about = {"auth_profile_id": PARTNERS, "user_defined_fields": {"company": "North"}, "pre_requisite_fields": {}}
    in_query = {**about, "user_defined_fields": '{"company": "North"}', "pre_requisite_fields": "{}"}
    sent: dict[str, Any] = {"params": in_query} if method == "GET" else {"json": about}
    allow(api, ok(browser.request(method, "/api/v1/xero/integrate", **sent))["auth_url"])

    (account,) = accounts(sandbox)
    assert (account["auth_profile_id"], account["auth_profile_name"]) == (PARTNERS, "Partner app")
    assert account["user_defined_fields"] == {"company": "North"}
    again = {"connection_id": account["connection_id"]}
    sent = {"params": again} if method == "GET" else {"json": again}
    allow(api, ok(browser.request(method, "/api/v1/xero/integrate", **sent))["auth_url"])
    assert [each["connection_id"] for each in accounts(sandbox)] == [account["connection_id"]]
    assert accounts(sandbox)[0]["user_defined_fields"] == {"company": "North"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_client_credentials_connect_without_a_window(browser: httpx.Client, sandbox: Sandbox, method: str) -> None:
    def integrate(**credentials: str) -> httpx.Response:
        sent: dict[str, Any] = {"params": credentials} if method == "GET" else {"json": credentials}
        return browser.request(method, "/api/v1/sap/integrate", **sent)

    assert ok(integrate(client_id="c", client_secret="invalid")) == {"connected": False}
    assert refused(integrate(client_id="c"))[0] == 400
    assert accounts(sandbox) == []
    assert ok(integrate(**CREDENTIALS)) == {"connected": True}
    assert [(account["auth_type"], account["status"]) for account in accounts(sandbox)] == [("oauth2", "active")]
    assert "credentials" not in accounts(sandbox)[0]
    shown = ok(browser.get("/api/v2/f-sdk/application/sap"))
    assert shown["connected"] is True
    assert [each["name"] for each in shown["auth_input_map"]] == ["client_id", "client_secret"]


@pytest.mark.parametrize(
    ("slug", "body"),
    [
        ("stripe", {}),
        ("slack", {"team": "x"}),
        ("slack", {"connection_id": "6a3134fdc71d10070e78923e"}),
        ("slack", {"redirect_url": 7}),
        ("zendesk", {"subdomain": 7}),
        ("xero", {"pre_requisite_fields": []}),
        ("sap", {**CREDENTIALS, "auth_profile_id": PARTNERS}),
    ],
)
def test_a_body_that_does_not_fit_is_refused(
    browser: httpx.Client, sandbox: Sandbox, slug: str, body: dict[str, Any]
) -> None:
    assert refused(browser.post(f"/api/v1/{slug}/integrate", json=body)) == (400, "BAD_REQUEST")
    assert accounts(sandbox) == []


def test_keys_are_saved_with_what_is_said_of_the_connection(browser: httpx.Client, sandbox: Sandbox) -> None:
    keys = {"client_key": "k", "client_secret": "s"}
    about = {"auth_profile_id": PARTNERS, "user_defined_fields": {"company": "North"}, "pre_requisite_fields": {}}
    assert ok(browser.post("/api/v2/app/xero/save", json={**keys, **about})) == {"success": True}
    (first,) = accounts(sandbox)
    again = {**keys, "connection_id": first["connection_id"]}
    assert ok(browser.post("/api/v2/app/xero/save", json=again)) == {"success": True}

    assert [each["connection_id"] for each in accounts(sandbox)] == [first["connection_id"]]
    assert accounts(sandbox)[0]["auth_profile_name"] == "Partner app"
    assert ok(browser.post("/api/v2/app/warehouse/save", json={"api_key": "k"})) == {"success": True}


def test_configs_of_a_connection_and_its_end(browser: httpx.Client, sandbox: Sandbox) -> None:
    first, second = sandbox.connect("acme", "xero"), sandbox.connect("acme", "xero")
    which = {"connection_id": first}
    path = "/api/v2/f-sdk/slug/xero/config"
    ok(browser.post("/api/v2/f-sdk/config", json={"slug": "xero", **which}))
    saved = ok(browser.put("/api/v2/f-sdk/config", json={"slug": "xero", **which, "fields": {"account_code": "200"}}))
    toggle = f"{PUBLIC}/slug/xero/config/acme/workflows/xero_push_invoices"
    shown = ok(browser.patch(toggle, params={"connection_id": str(first)}, json={"enabled": True}))

    assert saved["connection_id"] == first
    assert [(each["id"], each["enabled"]) for each in shown["workflows"]] == [("xero_push_invoices", True)]
    assert ok(browser.get(f"{path}/acme", params={"connection_id": str(first)}))["workflows"][0]["enabled"] is True
    assert refused(browser.get(path)) == (400, "BAD_REQUEST")
    ok(browser.delete(path, params={"connection_id": str(first)}))
    assert refused(browser.delete("/api/v1/linked-acc/integration/xero"))[0] == 400
    ok(browser.delete("/api/v1/linked-acc/integration/xero", params={"connection_id": str(first)}))
    assert [each["connection_id"] for each in accounts(sandbox)] == [second]


def test_a_session_token_renames_its_account_and_reads_it(browser: httpx.Client, sandbox: Sandbox) -> None:
    ok(browser.put(ACCOUNT, json={"name": "Acme Ltd"}))
    sandbox.connect("acme", "order_desk")

    active = ok(browser.get(f"{PUBLIC}/session/active-linked-account"))
    assert (active["account_id"], active["name"]) == ("acme", "Acme Ltd")
    assert [each["type"] for each in active["integrations"]] == ["custom"]
