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
    pairs = [{"key_name": "plan", "key_value": "pro"}, {"key_name": "seats", "key_value": 5}, {"key_name": "x"}]
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
