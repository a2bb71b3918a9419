"""Answers become values: what is absent stays different from what is empty, and unknown keys are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from cobalt_mirror.cobalt import Application, Client, Config, Environment, UnexpectedAnswer
from tests.unit.cobalt.scripted import ScriptedCobalt, account_answer, answer, config_body

APPLICATION = {"slug": "slack", "name": "Slack"}


def account_client(**body: Any) -> Client:
    return ScriptedCobalt(account_answer(**body)).client()


def test_udf_comes_out_as_pairs_and_is_a_mapping() -> None:
    more = {"_id": "1", "createdAt": "2026-05-01T10:00:00.000Z", "updatedAt": "2026-05-01T10:00:00.000Z"}
    pairs = [{"key_name": "plan", "key_value": "pro"}, {"key_name": "seats", "key_value": 5, **more}, {"key_name": "x"}]
    assert account_client(udf=pairs).fetch_account("acme").udf == {"plan": "pro", "seats": "5", "x": None}


def test_absent_and_empty_lists_of_an_account_differ() -> None:
    told = account_client(udf=[], integrations=[]).fetch_account("acme")
    untold = ScriptedCobalt(answer({"linked_account_id": "acme", "integrations": None})).client().fetch_account("acme")
    assert (told.udf, told.integrations) == ({}, ())
    assert (untold.udf, untold.integrations) == (None, None)
    assert untold.linked_account_id == "acme"


def test_an_account_tells_what_it_is_connected_to() -> None:
    created = "2026-05-01T10:00:00.000Z"
    integration = {"_id": "1", "type": "slack", "reauth_required": True, "createdAt": created, "identifier": {"a": 1}}
    account = account_client(integrations=[integration, {"type": "asana"}], __v=3).fetch_account("acme")
    assert account.environment is Environment.TEST
    assert account.integrations is not None
    assert [(each.type, each.reauth_required) for each in account.integrations] == [("slack", True), ("asana", False)]
    assert account.integrations[0].created_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert account.raw["__v"] == 3


def test_a_page_tells_its_real_limit_and_whether_there_is_more() -> None:
    body = {"docs": [{"account_id": "a"}], "page": 1, "limit": 25, "hasNextPage": True, "nextPage": 2, "totalDocs": 26}
    page = ScriptedCobalt(answer(body)).client().fetch_accounts(limit=1000)
    assert [account.linked_account_id for account in page.accounts] == ["a"]
    assert (page.limit, page.has_next_page, page.next_page, page.total_accounts) == (25, True, 2, 26)


def test_a_page_that_does_not_say_whether_there_is_more_is_unexpected() -> None:
    with pytest.raises(UnexpectedAnswer, match="hasNextPage"):
        ScriptedCobalt(answer({"docs": [], "page": 1, "limit": 10})).client().fetch_accounts()


@pytest.mark.parametrize("identifier", ["team@acme.example", {"id": "T1", "name": "Acme"}, None])
def test_an_identifier_is_text_an_object_or_null(identifier: object) -> None:
    connected = {"identifier": identifier, "auth_type": "oauth2", "connectedAt": "2026-05-01T12:00:00+02:00"}
    application = Application.model_validate({**APPLICATION, "connected": True, "connected_accounts": [connected]})
    assert application.connected_accounts[0].identifier == identifier
    assert application.connected_accounts[0].connected_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert application.connected_accounts[0].status == "active"


def test_a_time_without_a_zone_is_utc() -> None:
    account = account_client(createdAt="2026-05-01T10:00:00").fetch_account("acme")
    assert account.created_at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_a_custom_application_is_named_by_its_id() -> None:
    integrations = [{"type": "custom", "app_id": "app-1", "name": "Order Desk"}, {"type": "slack", "app_id": None}]
    account = account_client(integrations=integrations).fetch_account("acme")
    assert account.integrations is not None
    assert [(each.type, each.app_id) for each in account.integrations] == [("custom", "app-1"), ("slack", None)]


#: What an answer says of an application and its one connected account, and the auth type and status that these mean.
CONNECTED_ACCOUNTS = [
    pytest.param({}, {"auth_type": "keybased", "status": "expired"}, ("keybased", "expired"), id="all is said"),
    pytest.param({"auth_type": "keybased"}, {}, ("keybased", "active"), id="nothing is said"),
    pytest.param({"auth_type": "keybased"}, {"auth_type": None, "status": None}, ("keybased", "active"), id="null"),
    pytest.param({"auth_type": "keybased"}, {"auth_type": "oauth2"}, ("oauth2", "active"), id="another auth type"),
    pytest.param({"auth_type": "oauth2", "reauth_required": True}, {}, ("oauth2", "expired"), id="reauth is required"),
    pytest.param(
        {"auth_type": "oauth2", "reauth_required": True},
        {"status": "active"},
        ("oauth2", "active"),
        id="this one works",
    ),
    pytest.param({"auth_type": "oauth2", "reauth_required": False}, {}, ("oauth2", "active"), id="reauth is not"),
]


@pytest.mark.parametrize(("application", "account", "expected"), CONNECTED_ACCOUNTS)
def test_what_a_connected_account_leaves_out_is_the_applications(
    application: dict[str, Any], account: dict[str, Any], expected: tuple[str, str]
) -> None:
    connected = {"identifier": "team", "connectedAt": "2026-05-01T12:00:00Z", **account}
    body = {**APPLICATION, **application, "connected": True, "connected_accounts": [connected]}
    (read,) = ScriptedCobalt(answer(body)).client().fetch_application("acme", "slack").connected_accounts
    assert (read.auth_type, read.status) == expected


def test_a_connected_account_of_which_no_auth_type_is_known_is_unexpected() -> None:
    body = {**APPLICATION, "connected": True, "connected_accounts": [{"identifier": "team"}]}
    with pytest.raises(UnexpectedAnswer, match="auth_type"):
        ScriptedCobalt(answer(body)).client().fetch_application("acme", "slack")


def test_a_list_of_connected_accounts_counts_where_connected_is_absent() -> None:
    body = {**APPLICATION, "auth_type": "oauth2", "connected_accounts": [{"identifier": "team"}]}
    application = ScriptedCobalt(answer(body)).client().fetch_application("acme", "slack")
    assert (application.connected, len(application.connected_accounts)) == (False, 1)


def test_one_of_several_connections_has_an_identity_and_the_callers_own_fields() -> None:
    connected = {
        "connection_id": "c1",
        "auth_profile_id": "p1",
        "auth_profile_name": "Partner",
        "user_defined_fields": {"region": "eu"},
        "auth_type": "oauth2",
    }
    body = {**APPLICATION, "has_multi_auth_enabled": True, "connected_accounts": [connected]}
    application = ScriptedCobalt(answer(body)).client().fetch_application("acme", "slack")
    assert application.has_multi_auth is True
    assert application.connected_accounts[0].model_dump(include=set(connected)) == connected


@pytest.mark.parametrize("said", [{}, {"connected": None}, {"connected": False, "connected_accounts": None}])
def test_an_application_that_does_not_say_connected_is_not(said: dict[str, object]) -> None:
    application = Application.model_validate({**APPLICATION, **said})
    assert application.connected is False
    assert application.connected_accounts == ()


def test_connected_without_the_connected_accounts_proves_nothing() -> None:
    with pytest.raises(UnexpectedAnswer, match="connected_accounts"):
        ScriptedCobalt(answer({**APPLICATION, "connected": True})).client().fetch_application("acme", "slack")


def test_a_value_of_null_differs_from_no_value() -> None:
    fields = [{"id": "a", "value": None}, {"id": "b"}, {"id": "c", "value": 0}]
    workflow = {"id": "w", "enabled": True, "fields": fields}
    config = Config.model_validate(config_body(fields=fields, workflows=[workflow]))
    assert config.values == {"a": None, "c": 0}
    assert config.workflows[0].values == {"a": None, "c": 0}
    assert [field.has_value for field in config.fields] == [True, False, True]


def test_a_field_keeps_its_whole_schema_for_the_form_and_hides_its_value() -> None:
    schema = {
        "id": "a",
        "name": "Password",
        "field_type": "password",
        "required": True,
        "help_text": "h",
        "value": "s3",
    }
    field = Config.model_validate(config_body(fields=[schema])).fields[0]
    assert field.raw == schema
    assert (field.field_type, field.required, field.options) == ("password", True, ())
    assert "s3" not in repr(field)


@pytest.mark.parametrize("error", [{"message": "not a channel"}, "not a channel"])
def test_a_field_error_tells_what_the_customer_must_fix(error: object) -> None:
    config = Config.model_validate(config_body(field_errors=[{"id": "a", "name": "Channel", "error": error}]))
    assert [(each.id, each.message) for each in config.field_errors] == [("a", "not a channel")]


@pytest.mark.parametrize("missing", ["slug", "config_id", "fields"])
def test_a_config_without_its_parts_is_unexpected(missing: str) -> None:
    body = {key: value for key, value in config_body().items() if key != missing}
    with pytest.raises(UnexpectedAnswer, match=missing):
        ScriptedCobalt(answer(body)).client().fetch_config("acme", "slack")


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError):
        account_client().fetch_account("acme").name = "other"  # type: ignore[misc]
