"""Every answer of every endpoint, judged by the vendor's own description."""

from collections.abc import Iterator
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import ConnectedWhenNot, NullValues, PasswordValues, Sandbox
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_ORGANISATION
from cobalt_mirror.cobalt.sandbox.routes import ROUTES
from tests.unit.cobalt.description import Description
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, INTEGRATION, PUBLIC, Api

Call = tuple[str, str, dict[str, Any]]

WEBHOOK = {"webhook_url": "https://a.example", "webhook_events": ["Workflow Errored"]}
HUBSPOT = f"{PUBLIC}/slug/hubspot/config"
EVERYTHING: list[Call] = [
    ("POST", ACCOUNT, {"json": {"linked_account_id": "new", "udf": {"plan": "gold"}}}),
    ("PUT", ACCOUNT, {"json": {"linked_account_id": "acme"}}),
    ("PUT", ACCOUNT, {"json": {"linked_account_id": "unnamed"}}),
    ("GET", ACCOUNT, {}),
    ("GET", f"{ACCOUNT}/acme", {}),
    ("PUT", ACCOUNT, {"json": {"linked_account_id": "acme", "your_app": {"auth_credentials": {"token": "x"}}}}),
    ("PUT", f"{ACCOUNT}/default-app/auth-credentials/token", {"json": {"value": 7}}),
    ("DELETE", f"{ACCOUNT}/default-app/auth-credentials/token", {}),
    ("GET", f"{PUBLIC}/session/active-linked-account", {"token": True}),
    ("GET", f"{PUBLIC}/application", {}),
    *[("GET", f"{PUBLIC}/application/{slug}", {}) for slug in ("hubspot", "salesforce", "notion", "twilio")],
    ("GET", f"{INTEGRATION}/oauth-url/slack", {}),
    ("PUT", f"{INTEGRATION}/save-key-credentials/stripe", {"json": {"secret_key": "x"}}),
    ("POST", f"{PUBLIC}/connect-url?linked_account_id=acme", {"json": {}, "token": True}),
    ("POST", CONFIG, {"json": {"slug": "hubspot"}}),
    ("PUT", CONFIG, {"json": {"slug": "hubspot", "fields": {"pipeline": None, "lists": ["nosuch"]}}}),
    ("GET", HUBSPOT, {}),
    ("GET", f"{HUBSPOT}/acme", {}),
    ("GET", f"{HUBSPOT}s", {}),
    ("PATCH", f"{HUBSPOT}/acme/workflows/hubspot_sync_contacts", {"json": {"enabled": True}}),
    ("POST", f"{CONFIG}/field", {"headers": {"slug": "hubspot"}}),
    ("POST", f"{CONFIG}/field/lists", {"headers": {"slug": "hubspot"}, "json": {}}),
    ("PUT", f"{CONFIG}/field/pipeline", {"headers": {"slug": "hubspot"}, "json": {"value": "default"}}),
    ("DELETE", f"{CONFIG}/field/pipeline", {"headers": {"slug": "hubspot"}}),
    ("DELETE", f"{HUBSPOT}/acme", {}),
    ("POST", CONFIG, {"json": {"slug": "order_desk"}}),
    (
        "POST",
        f"{CONFIG}/rule-engine/rules?workflow_id=order_desk_forward",
        {"headers": {"slug": "order_desk"}, "json": {"rule_column": {"lhs": "region"}}},
    ),
    ("POST", f"{PUBLIC}/event/trigger", {"json": {"event": "order_created", "payload": {"n": 1}}}),
    ("POST", f"{PUBLIC}/event/order_desk", {"json": {"trigger": "order_paid"}}),
    ("POST", CONFIG, {"json": {"slug": "hubspot"}}),
    ("DELETE", HUBSPOT, {}),
    ("DELETE", f"{INTEGRATION}/hubspot?linked_account_id=acme", {}),
    ("POST", f"{PUBLIC}/session-token", {"json": {"linked_account_id": "acme"}}),
    ("POST", f"{PUBLIC}/webhook", {"json": WEBHOOK}),
    ("POST", f"{PUBLIC}/webhook", {"json": WEBHOOK}),  # the answer of the DELETE is what remains
    ("GET", f"{PUBLIC}/webhook", {}),
    ("GET", f"{PUBLIC}/webhook/{{webhook}}", {}),
    ("PUT", f"{PUBLIC}/webhook/{{webhook}}", {"json": {"is_enabled": False}}),
    ("DELETE", f"{PUBLIC}/webhook/{{webhook}}", {}),
    ("POST", f"{PUBLIC}/session-token/revoke", {"token": True}),
    ("DELETE", f"{ACCOUNT}/acme", {}),
]
SWITCHES: list[dict[str, Any]] = [
    {},
    {
        "connected_when_not": ConnectedWhenNot.ABSENT,
        "null_values": NullValues.STORED,
        "password_values": PasswordValues.MASKED,
        "listing_carries_integrations": False,
    },
]


@pytest.mark.parametrize("switches", SWITCHES, ids=["default", "switched"])
def test_every_answer_is_what_the_vendor_describes(
    api: Api, sandbox: Sandbox, description: Description, switches: dict[str, Any]
) -> None:
    sandbox.change_settings(**switches)
    for slug in ("hubspot", "salesforce", "notion"):
        api.consent(slug)
    sandbox.connect("acme", "hubspot", auth_type="keybased")
    sandbox.expire_connection("acme", "salesforce")
    sandbox.reset_ledger()

    for response in answers(api):
        assert response.status_code == 200, (response.request.method, response.request.url, response.text)
        description.judge_answer(response.request, response)
        assert response.json(), (response.request.method, response.request.url)  # it allows an empty list

    called = {call.route for call in sandbox.calls()}
    assert called == {route.name for route in ROUTES if not route.name.startswith("sdk_")}


def answers(api: Api) -> Iterator[Any]:
    webhook = ""
    for method, path, rest in EVERYTHING:
        arguments = dict(rest)
        send = api.browser().request if arguments.pop("token", False) else api
        response = send(method, path.replace("{webhook}", webhook), **arguments)
        if (method, path) == ("POST", f"{PUBLIC}/webhook"):
            webhook = response.json()["_id"]
        yield response


def test_the_browsers_paths_answer_as_the_public_ones(api: Api, sandbox: Sandbox) -> None:
    browser = api.browser()
    assert browser.get("/api/v3/org/basics").json()["_id"] == DEFAULT_ORGANISATION
    address = browser.get("/api/v1/slack/integrate").json()["auth_url"]
    form = dict(browser.build_request("GET", address).url.params)
    assert api.http.post("/consent", data=form).status_code == 200
    assert browser.get("/api/v2/f-sdk/application/slack").json() == api.application("slack")
    assert browser.get("/api/v2/f-sdk/application").json() == api("GET", f"{PUBLIC}/application").json()
    assert browser.post("/api/v2/app/stripe/save", json={"secret_key": "x"}).json() == {"success": True}

    created = browser.post("/api/v2/f-sdk/config", json={"slug": "slack"}).json()
    assert created == api("GET", f"{PUBLIC}/slug/slack/config").json()
    saved = browser.put("/api/v2/f-sdk/config", json={"slug": "slack", "fields": {"channel": "random"}}).json()
    assert browser.get("/api/v2/f-sdk/slug/slack/config/acme").json() == saved
    assert browser.get(f"{PUBLIC}/slug/slack/configs").json()[0]["config_id"] == "acme"
    assert browser.delete("/api/v2/f-sdk/slug/slack/config").status_code == 200
    assert browser.delete("/api/v1/linked-acc/integration/slack", params={"auth_type": "oauth2"}).status_code == 200
    assert [row["slug"] for row in sandbox.state()["connections"]] == ["stripe"]
