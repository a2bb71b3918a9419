"""The example answers of the vendor's reference: the client reads every one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from cobalt_mirror.cobalt import (
    CobaltError,
    ConfigField,
    CredentialsRefused,
    KeyRefused,
    LinkedAccount,
    Refused,
    UnknownAccount,
    UnknownApplication,
    UnknownConfig,
    Webhook,
)
from cobalt_mirror.cobalt.call import Call
from tests.facts import example_answers
from tests.unit.cobalt.calls import ALL_CALLS
from tests.unit.cobalt.scripted import NOON, ScriptedCobalt, answer, token_answer

EXAMPLES = example_answers()

#: Operations that the client has no method for, each with the shape in which it would read the answer.
NOT_CALLED: Mapping[str, TypeAdapter[Any]] = {
    "POST /api/v2/public/linked-account": TypeAdapter(LinkedAccount),
    "GET /api/v2/public/session/active-linked-account": TypeAdapter(LinkedAccount),
    "GET /api/v2/public/webhook/{id}": TypeAdapter(Webhook),
    "POST /api/v2/public/config/field": TypeAdapter(dict[str, Any]),  # a config that does not name itself
    "POST /api/v2/public/config/field/{fieldId}": TypeAdapter(ConfigField),
}
#: Methods whose operation has no example of its own: they share one with another method.
SHARED = {"force_refresh": "session_token", "probe": "fetch_accounts"}
#: Status and code of an error to the class that says what the caller may do, whatever the call.
ERRORS: Mapping[tuple[int, str], type[CobaltError]] = {
    (400, "INVALID_EVENT"): Refused,
    (400, "INVALID_LINKED_ACCOUNT_ID"): UnknownAccount,
    (400, "RESOURCE_NOT_FOUND"): Refused,
    (400, "SERVER_ERROR"): Refused,
    (401, "INVALID_TOKEN"): KeyRefused,
    (401, "SERVER_ERROR"): KeyRefused,
    (404, "EXTERNAL_API_FAILURE"): UnknownApplication,
    (404, "INVALID_APP_ID"): UnknownApplication,
    (404, "RESOURCE_NOT_FOUND"): Refused,
    (500, "SERVER_ERROR"): CredentialsRefused,
}
#: The same for a 404 whose code says nothing: what is absent is what was asked for.
ABSENT: Mapping[str, type[CobaltError]] = {
    "fetch_account": UnknownAccount,
    "delete_account": UnknownAccount,
    "set_auth_credential": Refused,
    "delete_auth_credential": Refused,
}


def operation(example: Mapping[str, Any]) -> str:
    """Method and path of an example."""
    return f"{example['method']} {example['path']}"


def requested(name: str) -> str:
    """Method and path of the request that a method of the client sends last."""
    cobalt = scripted(name, ALL_CALLS[name].answer)
    ALL_CALLS[name].call(cobalt.client(), "acme")
    return f"{cobalt.request.method} {cobalt.request.url.path}"


def scripted(name: str, given: httpx.Response) -> ScriptedCobalt:
    """A Cobalt that answers a method with what is given, after a session token where it needs one first."""
    return ScriptedCobalt(token_answer(), given) if name == "connect_url" else ScriptedCobalt(given)


def examples_of(name: str) -> list[dict[str, Any]]:
    """The examples of the operation that a method of the client calls."""
    sent = requested(name)
    fitting = {each["path"] for each in EXAMPLES if _fits(each, sent)}
    path = min(fitting, key=lambda path: path.count("{"), default=None)
    return [each for each in EXAMPLES if each["path"] == path and _fits(each, sent)]


def _fits(example: Mapping[str, Any], sent: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation(example)), sent) is not None


CASES = [
    pytest.param(name, example, id=f"{name}: {example['label']}")
    for name in ALL_CALLS
    if name not in SHARED
    for example in examples_of(name)
]


def test_every_method_has_an_example_and_every_example_a_method_or_a_reason() -> None:
    called = {operation(example) for name in ALL_CALLS for example in examples_of(name)}

    assert [name for name in ALL_CALLS if not examples_of(name)] == []
    assert {operation(example) for example in EXAMPLES} == called | NOT_CALLED.keys()
    assert called & NOT_CALLED.keys() == set()
    assert all(examples_of(name) == examples_of(other) for name, other in SHARED.items())


@pytest.mark.parametrize(("name", "example"), CASES)
def test_each_answer_becomes_a_value_or_the_error_that_says_what_to_do(name: str, example: dict[str, Any]) -> None:
    given = answer(example["body"], example["status"])
    cobalt = scripted(name, given)
    if example["status"] < 400:
        VALUES[name](ALL_CALLS[name].call(cobalt.client(), "acme"), example["body"])
        return
    if name == "revoke_session_token":
        assert ALL_CALLS[name].call(cobalt.client(), "acme") == 0  # a token that is not valid is not there
        return
    with pytest.raises(CobaltError) as raised:
        ALL_CALLS[name].call(cobalt.client(), "acme")
    code = example["body"].get("error") or example["body"].get("error_code")
    expected = ERRORS.get((example["status"], code)) or ABSENT.get(name, UnknownConfig)
    assert type(raised.value) is expected
    assert example["body"]["message"] in str(raised.value)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if operation(each) in NOT_CALLED])
def test_an_answer_that_no_method_asks_for_is_read_all_the_same(example: dict[str, Any]) -> None:
    cobalt = ScriptedCobalt(answer(example["body"], example["status"]))
    exchange = cobalt.client()._exchange
    call = Call(method=example["method"], path="/example", absent=UnknownConfig)
    if example["status"] < 400:
        value = exchange.send(call, NOT_CALLED[operation(example)], deadline=exchange.deadline())
        assert (value if isinstance(value, dict) else value.raw) == example["body"]
        return
    with pytest.raises(CobaltError, match=re.escape(example["body"]["message"])) as raised:
        exchange.send(call, NOT_CALLED[operation(example)], deadline=exchange.deadline())
    code = example["body"].get("error") or example["body"].get("error_code")
    expected = ERRORS[example["status"], code]
    assert type(raised.value) is (UnknownConfig if code == "RESOURCE_NOT_FOUND" else expected)


# --- the values -------------------------------------------------------------------------------------------------------


def is_account(account: Any, body: Any) -> None:
    assert (account.linked_account_id, account.name) == (body["account_id"], body["name"])
    assert account.environment == body["environment"]
    assert account.new_account is body.get("new_account")
    assert account.udf == {pair["key_name"]: pair["key_value"] for pair in body["udf"]}
    listed = body.get("integrations")
    read = account.integrations
    assert (read is None) is (listed is None)
    assert [(each.type, each.app_id) for each in read or ()] == [
        (each["type"], each["app_id"]) for each in listed or ()
    ]


def is_page(page: Any, body: Any) -> None:
    assert (page.total_accounts, page.limit, page.page) == (body["totalDocs"], body["limit"], body["page"])
    for account, document in zip(page.accounts, body["docs"], strict=True):
        is_account(account, document)


def is_application(application: Any, body: Any) -> None:
    for name in ("slug", "name", "app_id", "type", "auth_type"):
        assert getattr(application, name) == body.get(name)
    assert application.connected is body.get("connected", False)
    assert set(application.auth_type_options) == set(body["auth_type_options"])
    connected = body.get("connected_accounts", [])
    for account, document in zip(application.connected_accounts, connected, strict=True):
        assert account.identifier == document["identifier"]
        assert account.auth_type == document.get("auth_type", body["auth_type"])
        assert account.status == document.get("status", "active")
        assert account.connected_at is not None


def is_config(config: Any, body: Any) -> None:
    assert (config.slug, config.config_id) == (body["slug"], body["config_id"])
    assert [each.id for each in config.fields] == [each["id"] for each in body["fields"]]
    assert [(each.id, each.enabled) for each in config.workflows] == [
        (each["id"], each["enabled"]) for each in body["workflows"]
    ]


def is_reference(reference: Any, body: Any) -> None:
    assert (reference.config_id, reference.connection_id) == (body["config_id"], None)


def is_token(token: Any, body: Any) -> None:
    assert (token.token, token.refresh_token) == (body["token"], body["refresh_token"])
    assert (token.expires_at - NOON).total_seconds() == body["expires_in"]


def is_webhook(webhook: Any, body: Any) -> None:
    assert (webhook.id, webhook.webhook_url, webhook.is_enabled) == (
        body["_id"],
        body["webhook_url"],
        body["is_enabled"],
    )
    assert list(webhook.webhook_events) == body["webhook_events"]


def each_is(judge: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def judge_all(values: Any, bodies: Any) -> None:
        for value, body in zip(values, bodies, strict=True):
            judge(value, body)

    return judge_all


def is_nothing(value: Any, _body: Any) -> None:
    assert value is None


def equals(key: str) -> Callable[[Any, Any], None]:
    def judge(value: Any, body: Any) -> None:
        assert value == body[key]

    return judge


#: For each method, what makes a value right.
VALUES: Mapping[str, Callable[[Any, Any], None]] = {
    "upsert_account": is_account,
    "fetch_account": is_account,
    "fetch_accounts": is_page,
    "delete_account": is_nothing,
    "disconnect": is_account,
    "set_auth_credential": is_nothing,
    "delete_auth_credential": is_nothing,
    "session_token": is_token,
    "revoke_session_token": equals("revoked_count"),
    "fetch_webhooks": each_is(is_webhook),
    "create_webhook": is_webhook,
    "update_webhook": is_webhook,
    "delete_webhook": is_nothing,
    "fetch_applications": each_is(is_application),
    "fetch_application": is_application,
    "oauth_url": equals("auth_url"),
    "connect_url": equals("hosted_url"),
    "save_key_credentials": is_nothing,
    "config": is_config,
    "update_config": is_config,
    "fetch_config": is_config,
    "fetch_config by id": is_config,
    "fetch_configs": each_is(is_reference),
    "delete_config": is_nothing,
    "delete_config by id": is_nothing,
    "set_workflow_enabled": is_nothing,
    "set_config_field": is_nothing,
    "clear_config_field": is_nothing,
}
