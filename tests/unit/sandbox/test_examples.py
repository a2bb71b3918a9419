"""The example answers of the vendor's reference: the sandbox answers in their shapes in the same situations."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.facts import example_answers
from tests.unit.sandbox.conftest import ACCOUNT, CONFIG, INTEGRATION, PUBLIC, Api

EXAMPLES = example_answers()

Situation = Callable[[Api, Sandbox], httpx.Response]
Key = tuple[str, str, str]

#: Its content depends on the provider.
ANY_CONTENT = frozenset({"identifier"})
#: How the vendor's own form loads choices; the sandbox sends the choices themselves.
NOT_SERVED = frozenset({"dynamic_slot_identifier"})


def differences(example: Any, answer: Any, where: str = "body") -> list[str]:
    """What the answer lacks of the example's keys and types; a key that the example does not have is fine."""
    if kind(example) != kind(answer):
        return [f"{where}: {kind(answer)} instead of {kind(example)}"]
    if isinstance(example, dict):
        expected = {key: value for key, value in example.items() if key not in NOT_SERVED}
        missing = [f"{where}.{key}: missing" for key in expected if key not in answer]
        nested = (key for key in expected if key in answer and key not in ANY_CONTENT)
        return missing + [line for key in nested for line in differences(expected[key], answer[key], f"{where}.{key}")]
    if isinstance(example, list):
        return [line for element in example for line in _closest(element, answer, f"{where}[]")]
    return []


def kind(value: Any) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def _closest(element: Any, answers: list[Any], where: str) -> list[str]:
    if not answers:
        return [f"{where}: no element"]
    return min((differences(element, answer, where) for answer in answers), key=len)


def call(method: str, path: str, **rest: Any) -> Situation:
    return lambda api, _: api(method, path, **rest)


def wrong_key(method: str, path: str) -> Situation:
    return call(method, path, headers={"x-api-key": "tk_wrong"})


def no_token(method: str, path: str) -> Situation:
    return lambda api, _: httpx.Client(transport=api.transport, base_url="http://cobalt.test").request(method, path)


def connected(api: Api, sandbox: Sandbox) -> None:
    """An account that is connected to two native applications and a custom one."""
    api.upsert(name="Acme", udf={"plan": "gold"})
    for slug in ("salesforce", "slack", "order_desk"):
        sandbox.connect("acme", slug)


def configured(api: Api) -> None:
    api("POST", CONFIG, json={"slug": "hubspot"})


def after_connecting(method: str, path: str, **rest: Any) -> Situation:
    def situation(api: Api, sandbox: Sandbox) -> httpx.Response:
        connected(api, sandbox)
        return api(method, path, **rest)

    return situation


def with_config(method: str, path: str, **rest: Any) -> Situation:
    def situation(api: Api, _: Sandbox) -> httpx.Response:
        configured(api)
        return api(method, path, **rest)

    return situation


def with_credentials(method: str, key: str, **rest: Any) -> Situation:
    def situation(api: Api, _: Sandbox) -> httpx.Response:
        api.upsert(your_app={"auth_credentials": {"token": "x"}})
        return api(method, f"{ACCOUNT}/default-app/auth-credentials/{key}", **rest)

    return situation


def with_webhook(method: str, *, one: bool = False, **rest: Any) -> Situation:
    def situation(api: Api, _: Sandbox) -> httpx.Response:
        made = [api("POST", f"{PUBLIC}/webhook", json=WEBHOOK).json()["_id"] for _ in range(2)]
        return api(method, f"{PUBLIC}/webhook/{made[0]}" if one else f"{PUBLIC}/webhook", **rest)

    return situation


def with_token(method: str, path: str, **rest: Any) -> Situation:
    def situation(api: Api, sandbox: Sandbox) -> httpx.Response:
        sandbox.connect("acme", "slack")
        return api.browser().request(method, path, **rest)

    return situation


def a_page_of_many(api: Api, sandbox: Sandbox) -> httpx.Response:
    for number in range(11):
        api.upsert(f"customer-{number}", name="Customer")
    sandbox.connect("customer-10", "slack")
    return api("GET", ACCOUNT)


WEBHOOK = {"webhook_url": "https://host.example/hook", "webhook_events": ["Workflow Errored"]}
APPLICATION = f"{PUBLIC}/application"
HUBSPOT = f"{PUBLIC}/slug/hubspot/config"
TOGGLE = f"{HUBSPOT}/acme/workflows/hubspot_sync_contacts"
FIELD = f"{CONFIG}/field"
LISTS: dict[str, Any] = {"headers": {"slug": "hubspot"}}
TOKEN = f"{PUBLIC}/session-token"
CREDENTIALS = f"{INTEGRATION}/save-key-credentials"

SITUATIONS: dict[str, dict[str, Situation]] = {
    f"GET {APPLICATION}/{{slug}}": {
        "200 OAuth (Connected)": after_connecting("GET", f"{APPLICATION}/salesforce"),
        "200 Key-Based (Available)": call("GET", f"{APPLICATION}/jira"),
        "401": wrong_key("GET", f"{APPLICATION}/slack"),
        "404": call("GET", f"{APPLICATION}/nosuch"),
    },
    f"GET {APPLICATION}": {"200": after_connecting("GET", APPLICATION), "401": wrong_key("GET", APPLICATION)},
    f"GET {INTEGRATION}/oauth-url/{{slug}}": {
        "200": call("GET", f"{INTEGRATION}/oauth-url/slack"),
        "401": wrong_key("GET", f"{INTEGRATION}/oauth-url/slack"),
    },
    f"DELETE {FIELD}/{{fieldId}}": {
        "200": with_config("DELETE", f"{FIELD}/lists", **LISTS),
        "404": call("DELETE", f"{FIELD}/lists", **LISTS),
    },
    f"POST {FIELD}": {"200": with_config("POST", FIELD, **LISTS), "401": wrong_key("POST", FIELD)},
    f"POST {FIELD}/{{fieldId}}": {
        "200": with_config("POST", f"{FIELD}/lists", **LISTS),
        "400": with_config("POST", f"{FIELD}/nosuch", **LISTS),
    },
    f"PUT {FIELD}/{{fieldId}}": {
        "200": with_config("PUT", f"{FIELD}/lists", json={"value": ["events"]}, **LISTS),
        "404": call("PUT", f"{FIELD}/lists", json={"value": ["events"]}, **LISTS),
    },
    f"POST {CONFIG}": {
        "200": call("POST", CONFIG, json={"slug": "hubspot"}),
        "404": call("POST", CONFIG, json={"slug": "nosuch"}),
    },
    f"PUT {CONFIG}": {
        "200": with_config("PUT", CONFIG, json={"slug": "hubspot", "fields": {"pipeline": "default"}}),
        "404": call("PUT", CONFIG, json={"slug": "hubspot"}),
    },
    f"DELETE {PUBLIC}/slug/{{slug}}/config": {"200": with_config("DELETE", HUBSPOT), "404": call("DELETE", HUBSPOT)},
    f"DELETE {PUBLIC}/slug/{{slug}}/config/{{configId}}": {
        "200": with_config("DELETE", f"{HUBSPOT}/acme"),
        "404": call("DELETE", f"{HUBSPOT}/acme"),
    },
    f"GET {PUBLIC}/slug/{{slug}}/config": {"200": with_config("GET", HUBSPOT), "404": call("GET", HUBSPOT)},
    f"GET {PUBLIC}/slug/{{slug}}/config/{{configId}}": {
        "200": with_config("GET", f"{HUBSPOT}/acme"),
        "404": call("GET", f"{HUBSPOT}/acme"),
    },
    f"GET {PUBLIC}/slug/{{slug}}/configs": {
        "200": with_config("GET", f"{HUBSPOT}s"),
        "401": wrong_key("GET", f"{HUBSPOT}s"),
    },
    f"PATCH {PUBLIC}/slug/{{slug}}/config/{{configId}}/workflows/{{workflowId}}": {
        "200": with_config("PATCH", TOGGLE, json={"enabled": False}),
        "404": call("PATCH", TOGGLE, json={"enabled": False}),
    },
    f"POST {PUBLIC}/connect-url": {
        "200": with_token("POST", f"{PUBLIC}/connect-url", params={"linked_account_id": "acme"}, json={}),
        "401": no_token("POST", f"{PUBLIC}/connect-url"),
    },
    f"DELETE {ACCOUNT}/default-app/auth-credentials/{{key}}": {
        "200": with_credentials("DELETE", "token"),
        "404 Key Not Found": with_credentials("DELETE", "nosuch"),
        "404 No Default App": call("DELETE", f"{ACCOUNT}/default-app/auth-credentials/token"),
    },
    f"PUT {ACCOUNT}/default-app/auth-credentials/{{key}}": {
        "200": with_credentials("PUT", "other", json={"value": "y"}),
        "404": call("PUT", f"{ACCOUNT}/default-app/auth-credentials/token", json={"value": "y"}),
    },
    f"PUT {CREDENTIALS}/{{slug}}": {
        "200": call("PUT", f"{CREDENTIALS}/stripe", json={"secret_key": "x"}),
        "500 Verification Failed": call("PUT", f"{CREDENTIALS}/stripe", json={"secret_key": "invalid"}),
    },
    f"POST {ACCOUNT}": {
        "200": call("POST", ACCOUNT, json={"linked_account_id": "new", "name": "New"}),
        "400": call("POST", ACCOUNT, json={"name": "New"}),
        "401": wrong_key("POST", ACCOUNT),
    },
    f"PUT {ACCOUNT}": {
        "200": call("PUT", ACCOUNT, json={"linked_account_id": "acme", "name": "Acme Ltd"}),
        "401": wrong_key("PUT", ACCOUNT),
    },
    f"GET {ACCOUNT}": {"200": a_page_of_many, "401": wrong_key("GET", ACCOUNT)},
    f"DELETE {INTEGRATION}/{{slug}}": {
        "200": call("DELETE", f"{INTEGRATION}/slack", params={"linked_account_id": "acme"}),
        "401": wrong_key("DELETE", f"{INTEGRATION}/slack"),
    },
    f"DELETE {ACCOUNT}/{{linked_account_id}}": {
        "200": call("DELETE", f"{ACCOUNT}/acme"),
        "404": call("DELETE", f"{ACCOUNT}/nobody"),
    },
    f"GET {ACCOUNT}/{{linked_account_id}}": {
        "200": after_connecting("GET", f"{ACCOUNT}/acme"),
        "404": call("GET", f"{ACCOUNT}/nobody"),
    },
    f"GET {PUBLIC}/session/active-linked-account": {
        "200": with_token("GET", f"{PUBLIC}/session/active-linked-account"),
        "401": no_token("GET", f"{PUBLIC}/session/active-linked-account"),
    },
    f"POST {TOKEN}": {
        "200": call("POST", TOKEN, json={"linked_account_id": "acme"}),
        "400 Missing ID": call("POST", TOKEN, json={}),
        "400 Unknown Account": call("POST", TOKEN, json={"linked_account_id": "nobody"}),
        "401": wrong_key("POST", TOKEN),
    },
    f"POST {TOKEN}/revoke": {"200": with_token("POST", f"{TOKEN}/revoke"), "401": no_token("POST", f"{TOKEN}/revoke")},
    f"POST {PUBLIC}/webhook": {
        "200": call("POST", f"{PUBLIC}/webhook", json=WEBHOOK),
        "400": call("POST", f"{PUBLIC}/webhook", json={**WEBHOOK, "webhook_events": ["Workflow Started"]}),
    },
    f"GET {PUBLIC}/webhook": {"200": with_webhook("GET"), "401": wrong_key("GET", f"{PUBLIC}/webhook")},
    f"GET {PUBLIC}/webhook/{{id}}": {
        "200": with_webhook("GET", one=True),
        "400": call("GET", f"{PUBLIC}/webhook/nosuch"),
    },
    f"PUT {PUBLIC}/webhook/{{id}}": {
        "200": with_webhook("PUT", one=True, json={"is_enabled": False}),
        "400": call("PUT", f"{PUBLIC}/webhook/nosuch", json={}),
    },
    f"DELETE {PUBLIC}/webhook/{{id}}": {
        "200": with_webhook("DELETE", one=True),
        "400": call("DELETE", f"{PUBLIC}/webhook/nosuch"),
    },
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "{method} {path} {label}".format(**example))
def test_the_sandbox_answers_in_the_shape_of_the_example(api: Api, sandbox: Sandbox, example: dict[str, Any]) -> None:
    situation = SITUATIONS[f"{example['method']} {example['path']}"][example["label"]]
    response = situation(api, sandbox)

    assert response.status_code == example["status"], response.text
    assert differences(example["body"], response.json()) == []
    if not response.is_success:
        assert code(response.json()) == code(example["body"])


def code(refusal: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(refusal.get(key) for key in ("status_code", "http_error_type", "error", "error_code"))


def test_every_situation_has_its_example() -> None:
    named = [(f"{example['method']} {example['path']}", example["label"]) for example in EXAMPLES]

    assert sorted(named) == sorted((call, label) for call, labels in SITUATIONS.items() for label in labels)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "{method} {path} {label}".format(**example))
def test_the_comparison_sees_what_is_missing(example: dict[str, Any]) -> None:
    body = example["body"]

    assert differences(body, body) == []
    assert differences(body, type(body)()) != []
    if isinstance(body, dict):
        for key in body.keys() - NOT_SERVED:
            assert differences(body, {name: value for name, value in body.items() if name != key}) != []
