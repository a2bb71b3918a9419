"""Credentials for the organisation's default application, changed one by one."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from tests.unit.sandbox.conftest import ACCOUNT, PUBLIC, Api, ok, refused

CREDENTIAL = f"{ACCOUNT}/default-app/auth-credentials"


def stored(sandbox: Sandbox) -> Any:
    return sandbox.state(secrets=True)["accounts"][0]["auth_credentials"]


def test_one_credential_is_added_updated_and_deleted(api: Api, sandbox: Sandbox) -> None:
    api.upsert(your_app={"auth_credentials": {"token": "s3cret"}})

    added = ok(api("PUT", f"{CREDENTIAL}/region", json={"value": 7}))
    updated = ok(api("PUT", f"{CREDENTIAL}/token", json={"value": "other"}))
    assert (added["success"], added["action"], updated["action"]) == (True, "added", "updated")
    assert stored(sandbox) == {"token": "other", "region": "7"}
    assert set(ok(api("DELETE", f"{CREDENTIAL}/token"))) == {"success", "message"}
    assert stored(sandbox) == {"region": "7"}
    assert refused(api("DELETE", f"{CREDENTIAL}/token")) == (404, "RESOURCE_NOT_FOUND")
    ok(api("DELETE", f"{CREDENTIAL}/region"))
    assert ok(api("PUT", f"{CREDENTIAL}/token", json={"value": True}))["action"] == "added"
    kinds = [(effect.kind, effect.detail["key"]) for effect in sandbox.effects() if "key" in effect.detail]
    assert kinds == [
        ("credential_set", "region"),
        ("credential_set", "token"),
        ("credential_deleted", "token"),
        ("credential_deleted", "region"),
        ("credential_set", "token"),
    ]
    assert "other" not in str(sandbox.effects())


def test_an_account_that_never_had_any_has_no_default_application(api: Api, sandbox: Sandbox) -> None:
    assert refused(api("PUT", f"{CREDENTIAL}/token", json={"value": "x"})) == (404, "RESOURCE_NOT_FOUND")
    assert refused(api("DELETE", f"{CREDENTIAL}/token")) == (404, "RESOURCE_NOT_FOUND")
    assert stored(sandbox) == {}


@pytest.mark.parametrize("body", [{}, {"value": "x", "key": "y"}])
def test_a_body_without_a_value_or_with_more_is_refused(api: Api, sandbox: Sandbox, body: dict[str, Any]) -> None:
    api.upsert(your_app={"auth_credentials": {"token": "s3cret"}})

    assert refused(api("PUT", f"{CREDENTIAL}/token", json=body)) == (400, "BAD_REQUEST")
    assert stored(sandbox) == {"token": "s3cret"}


def test_the_account_is_named_by_header_query_or_session_token(api: Api, sandbox: Sandbox) -> None:
    api.upsert(your_app={"auth_credentials": {}})
    api.upsert("other")

    ok(api("PUT", f"{CREDENTIAL}/a", json={"value": "1"}))
    ok(api("PUT", f"{CREDENTIAL}/b", account=None, params={"linked_account_id": "acme"}, json={"value": "2"}))
    ok(api("PUT", f"{CREDENTIAL}/c", params={"linked_account_id": "other"}, json={"value": "3"}))
    ok(api.browser().put(f"{CREDENTIAL}/d", json={"value": "4"}))
    assert stored(sandbox) == {"a": "1", "b": "2", "c": "3", "d": "4"}


def test_the_default_application_shows_as_custom_if_switched_so_and_is_in_no_catalogue(
    api: Api, sandbox: Sandbox
) -> None:
    api.upsert(your_app={"auth_credentials": {"token": "s3cret"}})
    assert ok(api("GET", f"{ACCOUNT}/acme"))["integrations"] == []
    sandbox.change_settings(default_application_shown=True)

    (shown,) = ok(api("GET", f"{ACCOUNT}/acme"))["integrations"]
    assert (shown["type"], "slug" in shown) == ("custom", False)
    assert shown["app_id"] not in {each["app_id"] for each in ok(api("GET", f"{PUBLIC}/application"))}
    assert sandbox.state()["connections"] == []
