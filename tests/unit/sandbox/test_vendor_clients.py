"""The calls of the vendor's newer clients, as they send them: neither is on npm, so plain HTTP stands for them.

`@refoldai/refold-js` 10 runs in a browser with a session token. The client for Node (`@cobaltio/cobalt` 1.3) sends the
key, a JSON content type and the account in header and query with every call, and its whole payload as the body.
"""

from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, PUBLIC, Api, ok, refused

SDK = "/api/v2/f-sdk"
FIELD = f"{CONFIG}/field"
RULES = f"{CONFIG}/rule-engine"
FORWARD = {"workflow_id": "order_desk_forward"}
TOGGLE = f"{PUBLIC}/slug/order_desk/config/acme/workflows/order_desk_forward"
OF_ORDER_DESK: dict[str, Any] = {"headers": {"slug": "order_desk"}}

Call = tuple[str, str, str, dict[str, Any]]

#: Method of the class `Refold`, then what it sends. The config of Order Desk exists.
REFOLD: list[Call] = [
    ("getAccountDetails", "GET", "/api/v3/org/basics", {}),
    ("updateAccount", "PUT", ACCOUNT, {"json": {"name": "Acme Ltd"}}),
    ("getApp", "GET", f"{SDK}/application/slack", {}),
    ("getApps", "GET", f"{SDK}/application", {}),
    ("connect", "GET", "/api/v1/slack/integrate?", {}),
    ("connect", "POST", "/api/v1/sap/integrate", {"json": {"client_id": "c", "client_secret": "s"}}),
    ("connect", "POST", "/api/v2/app/warehouse/save", {"json": {"api_key": "k"}}),
    ("disconnect", "DELETE", "/api/v1/linked-acc/integration/slack?auth_type=oauth2", {}),
    ("config", "POST", f"{SDK}/config", {"json": {"slug": "order_desk", "config_id": "acme", "labels": []}}),
    ("getConfigs", "GET", f"{PUBLIC}/slug/order_desk/configs", {}),
    ("getConfig", "GET", f"{SDK}/slug/order_desk/config/acme", {"headers": {"disable_field_options": "true"}}),
    ("updateConfig", "PUT", f"{SDK}/config", {"json": {"slug": "order_desk", "fields": {}, "workflows": []}}),
    ("toggleConfigWorkflow", "PATCH", TOGGLE, {"json": {"enabled": True}}),
    ("getConfigField", "POST", f"{FIELD}/queue", {"json": {}, **OF_ORDER_DESK}),
    ("updateConfigField", "PUT", f"{FIELD}/queue", {"json": {"value": "fast"}, **OF_ORDER_DESK}),
    ("deleteConfigField", "DELETE", f"{FIELD}/queue", OF_ORDER_DESK),
    (
        "getFieldOptions",
        "POST",
        f"{RULES}/rules?workflow_id=order_desk_forward",
        {"json": {"rule_column": {"lhs": "region"}}, **OF_ORDER_DESK},
    ),
    ("deleteConfig", "DELETE", f"{SDK}/slug/order_desk/config", {}),
]
#: What those methods send that this stand-in does not have.
REFOLD_NOT_SERVED = [
    ("getWorkflows", "GET", f"{PUBLIC}/workflow?page=1&limit=100"),
    ("createWorkflow", "POST", f"{PUBLIC}/workflow"),
    ("deleteWorkflow", "DELETE", f"{PUBLIC}/workflow/1"),
    ("getWorkflowPayload", "GET", f"{PUBLIC}/workflow/request-structure/1"),
    ("executeWorkflow", "POST", f"{PUBLIC}/workflow/1/execute"),
    ("getExecutions", "GET", f"{PUBLIC}/execution?page=1&limit=10"),
    ("getExecution", "GET", f"{PUBLIC}/execution/1"),
    ("connect", "POST", "/api/v1/auth-service/f-sdk/universal-connector/slack/save-credentials"),
]

OWN = {"linked_account_id": "acme", "slug": "order_desk"}
#: Method of the class for Node, then what it sends.
NODE: list[Call] = [
    ("createLinkedAccount", "POST", ACCOUNT, {"json": {"linked_account_id": "new", "name": "New", "udf": {}}}),
    (
        "upsertLinkedAccount",
        "PUT",
        ACCOUNT,
        {"json": {"linked_account_id": "new", "your_app": {"app_id": "1", "auth_credentials": {"token": "t"}}}},
    ),
    ("getAllLinkedAccounts", "GET", f"{ACCOUNT}?page=1&limit=20", {}),
    ("getLinkedAccountById", "GET", f"{ACCOUNT}/acme", {}),
    ("getTokenForLinkedAccount", "POST", f"{PUBLIC}/session-token", {"json": {"linked_account_id": "acme"}}),
    ("getApplications", "GET", f"{PUBLIC}/application", {}),
    ("getApplicationBySlug", "GET", f"{PUBLIC}/application/slack", {}),
    ("config", "POST", CONFIG, {"json": {**OWN, "labels": {"people": [{"name": "Name", "value": "name"}]}}}),
    (
        "updateConfig",
        "PUT",
        CONFIG,
        {"json": {**OWN, "fields": {"queue": "fast"}, "workflows": [{"id": "order_desk_forward", "enabled": True}]}},
    ),
    ("getConfig", "GET", f"{PUBLIC}/slug/order_desk/config/", {"json": OWN}),
    ("getConfig", "GET", f"{PUBLIC}/slug/order_desk/config/acme", {"json": {**OWN, "config_id": "acme"}}),
    ("triggerEvent", "POST", f"{PUBLIC}/event/trigger", {"json": {"linked_account_id": "acme", "event": "order_paid"}}),
    ("triggerEvent", "POST", f"{PUBLIC}/event/order_desk", {"json": {**OWN, "event": "order_paid", "payload": {}}}),
    ("deleteConfig", "DELETE", f"{PUBLIC}/slug/order_desk/config/", {"json": OWN}),
    (
        "createWebhook",
        "POST",
        f"{PUBLIC}/webhook",
        {"json": {"webhook_url": "https://a.example", "webhook_events": []}},
    ),
    ("getWebhook", "GET", f"{PUBLIC}/webhook", {}),
    ("deleteLinkedAccount", "DELETE", f"{ACCOUNT}/new", {}),
]
NODE_NOT_SERVED = [
    ("migrateAuth", "PUT", f"{PUBLIC}/migrate-token"),
    ("getExecutions", "GET", f"{PUBLIC}/execution"),
    ("getExecutionById", "GET", f"{PUBLIC}/execution/1"),
    ("event", "POST", f"{PUBLIC}/event"),
    ("updateEvent", "PUT", f"{PUBLIC}/event/1"),
    ("deleteEvent", "DELETE", f"{PUBLIC}/event/1"),
    ("listEvents", "GET", f"{PUBLIC}/event"),
    ("listEventById", "GET", f"{PUBLIC}/event/1"),
    ("deleteWebhook", "DELETE", f"{PUBLIC}/webhook"),
    ("subscribeWebhookEvents", "POST", f"{PUBLIC}/webhook/subscribe"),
    ("unsubscribeWebhookEvent", "POST", f"{PUBLIC}/webhook/unsubscribe"),
    ("executeWorkflow", "POST", "/api/v1/workflow/1/execute"),
]


@pytest.fixture
def browser(api: Api) -> httpx.Client:
    return api.browser()


@pytest.fixture
def node(api: Api) -> Api:
    api.http.headers["content-type"] = "application/json"
    api.http.params = httpx.QueryParams({"linked_account_id": "acme"})
    return api


def test_each_method_of_the_browsers_client_is_answered(browser: httpx.Client, sandbox: Sandbox) -> None:
    for name, method, path, sent in REFOLD:
        answer = browser.request(method, path, **sent)
        assert answer.status_code == 200, (name, answer.text)

    assert [row["slug"] for row in sandbox.state()["connections"]] == ["sap", "warehouse"]
    assert [row["name"] for row in sandbox.state()["accounts"]] == ["Acme Ltd"]
    kinds = [effect.kind for effect in sandbox.effects() if effect.slug == "order_desk"]
    assert kinds == [
        "config_created",
        "config_replaced",
        "workflow_toggled",
        "field_set",
        "field_cleared",
        "config_deleted",
    ]


def test_each_method_of_the_client_for_node_is_answered(node: Api, sandbox: Sandbox) -> None:
    for name, method, path, sent in NODE:
        answer = node(method, path, **sent)
        expected = 400 if name == "createWebhook" else 200  # without events: the reference wants one at least
        assert answer.status_code == expected, (name, answer.text)

    kinds = [effect.kind for effect in sandbox.effects() if effect.slug == "order_desk"]
    assert kinds == ["config_created", "config_replaced", "event_fired", "config_deleted"]
    fired = [(effect.slug, effect.detail) for effect in sandbox.effects(kind="event_fired")]
    assert fired == [(slug, {"event": "order_paid", "config_id": "acme"}) for slug in (None, "order_desk")]


@pytest.mark.parametrize(("name", "method", "path"), REFOLD_NOT_SERVED + NODE_NOT_SERVED)
def test_what_the_clients_want_beyond_it_is_501(
    browser: httpx.Client, sandbox: Sandbox, name: str, method: str, path: str
) -> None:
    before = sandbox.state()
    answer = browser.request(method, path)

    assert refused(answer) == (501, "NOT_IMPLEMENTED"), name
    assert "The sandbox does not have" in answer.json()["message"]
    assert sandbox.state() == before


def test_a_config_is_shown_without_the_options_of_its_fields_if_the_header_says_so(api: Api) -> None:
    ok(api("POST", CONFIG, json={"slug": "order_desk"}))

    def options(value: str) -> list[str]:
        headers = {"disable_field_options": value}
        config = ok(api("GET", f"{PUBLIC}/slug/order_desk/config", headers=headers))
        return [field["id"] for field in config["workflows"][0]["fields"] if "options" in field]

    assert options("true") == []
    assert options("false") == ["columns", "properties", "region"]
    path = f"{FIELD}/region"
    assert "options" in ok(api("POST", path, headers={"slug": "order_desk"}, params=FORWARD))
    hidden = {"slug": "order_desk", "disable_field_options": "true"}
    assert "options" not in ok(api("POST", path, headers=hidden, params=FORWARD))
    wrong = api("GET", f"{PUBLIC}/slug/order_desk/config", headers={"disable_field_options": "yes"})
    assert refused(wrong) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ({"name": "Region", "field_type": "select"}, ["region", "amount"]),
        ({"lhs": "region"}, ("select", ["eu", "asia"], ["eq", "neq"])),
        ({"lhs": "amount"}, ("text", [], ["gte", "lte"])),
    ],
)
def test_a_rule_engine_says_what_goes_with_a_left_side(api: Api, column: dict[str, Any], shown: Any) -> None:
    ok(api("POST", CONFIG, json={"slug": "order_desk"}))
    answer = ok(api("POST", f"{RULES}/rules", params=FORWARD, json={"rule_column": column}, **OF_ORDER_DESK))

    if "options" in answer:
        assert [each["value"] for each in answer["options"]] == shown
    else:
        right, operator = answer["rule_column"]["rhs"], answer["rule_column"]["operator"]
        values = [[each["value"] for each in side["options"]] for side in (right, operator)]
        assert (right["type"], *values) == shown
        assert answer["conditional_code_stdout"] == []


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (f"{RULES}/rules", {"rule_column": {"lhs": "nosuch"}}, (400, "BAD_REQUEST")),
        (f"{RULES}/rules", {"rule_column": "region"}, (400, "BAD_REQUEST")),
        (f"{RULES}/rules", {}, (400, "BAD_REQUEST")),
        (f"{RULES}/priority", {"rule_column": {}}, (400, "SERVER_ERROR")),
        (f"{RULES}/nosuch", {"rule_column": {}}, (400, "SERVER_ERROR")),
        (f"{PUBLIC}/event/trigger", {"event": "nosuch"}, (404, "INVALID_EVENT")),
        (f"{PUBLIC}/event/trigger", {"payload": {}}, (400, "BAD_REQUEST")),
        (f"{PUBLIC}/event/trigger", {"event": "order_paid", "colour": "red"}, (400, "BAD_REQUEST")),
        (f"{PUBLIC}/event/nosuch", {"event": "order_paid"}, (404, "EXTERNAL_API_FAILURE")),
    ],
)
def test_a_rule_or_an_event_that_does_not_fit_is_refused(
    api: Api, sandbox: Sandbox, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    ok(api("POST", CONFIG, json={"slug": "order_desk"}))

    answer = api("POST", path, params=FORWARD, json=body, **OF_ORDER_DESK)
    assert refused(answer) == expected
    assert "error_code" in answer.json()
    assert sandbox.effects(kind="event_fired") == []


def test_an_event_with_files_is_not_served(api: Api) -> None:
    answer = api("POST", f"{PUBLIC}/event/trigger", files={"file": b"x"}, data={"event": "order_paid"})

    assert refused(answer) == (501, "NOT_IMPLEMENTED")
