"""Every method of the client has its effect at the sandbox, for ids of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt import (
    Client,
    CobaltError,
    CredentialsRefused,
    Environment,
    KeyRefused,
    NoAnswer,
    RateLimited,
    Refused,
    ServerError,
    UnexpectedAnswer,
    UnknownAccount,
    UnknownApplication,
    UnknownConfig,
)
from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault, Sandbox, SandboxTransport
from cobalt_mirror.cobalt.sandbox.connections import REFUSED_CREDENTIAL

IDS = ["acme", "a/b c@d.example", "ünï-😀", " edge ", "x" * 200, "%2F+&=?#"]


def rows(sandbox: Sandbox, kind: str, linked_account_id: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.state(linked_account_id=linked_account_id, **options)[kind]
    return found


@pytest.mark.parametrize("linked_account_id", IDS)
def test_accounts_are_created_updated_read_listed_and_deleted(
    client: Client, sandbox: Sandbox, linked_account_id: str
) -> None:
    created = client.upsert_account(linked_account_id, name="Acme", udf={"plan": "pro"})
    assert (created.new_account, created.environment) == (True, Environment.TEST)
    assert client.upsert_account(linked_account_id, udf={"plan": "free"}).new_account is False
    fetched = client.fetch_account(linked_account_id)
    assert (fetched.linked_account_id, fetched.udf, fetched.integrations) == (linked_account_id, {"plan": "free"}, ())
    page = client.fetch_accounts()
    assert [account.linked_account_id for account in page.accounts] == [linked_account_id]
    assert page.has_next_page is False
    client.delete_account(linked_account_id)
    assert sandbox.state()["accounts"] == []
    for gone in (client.fetch_account, client.delete_account):
        with pytest.raises(UnknownAccount):
            gone(linked_account_id)


@pytest.mark.parametrize("linked_account_id", IDS)
def test_applications_are_connected_read_and_disconnected(
    client: Client, sandbox: Sandbox, linked_account_id: str
) -> None:
    client.upsert_account(linked_account_id)
    before = {application.slug: application for application in client.fetch_applications(linked_account_id)}
    assert len(before) >= 12
    assert not any(application.connected for application in before.values())
    assert client.oauth_url(linked_account_id, "slack").startswith("http")
    assert client.connect_url(linked_account_id, redirect_url="https://host.example").startswith("http")

    sandbox.connect(linked_account_id, "slack")
    slack = client.fetch_application(linked_account_id, "slack")
    assert slack.connected
    assert [(each.auth_type, each.status) for each in slack.connected_accounts] == [("oauth2", "active")]
    integrations = client.fetch_account(linked_account_id).integrations
    assert integrations is not None
    assert [each.type for each in integrations] == ["slack"]

    sandbox.expire_connection(linked_account_id, "slack")
    assert client.fetch_application(linked_account_id, "slack").reauth_required

    left = client.disconnect(linked_account_id, "slack", auth_type="oauth2")
    assert left.linked_account_id == linked_account_id
    assert rows(sandbox, "connections", linked_account_id) == []
    client.disconnect(linked_account_id, "slack")


@pytest.mark.parametrize("linked_account_id", IDS)
def test_key_credentials_connect_or_are_refused_by_the_provider(
    client: Client, sandbox: Sandbox, linked_account_id: str
) -> None:
    client.upsert_account(linked_account_id)
    with pytest.raises(CredentialsRefused):
        client.save_key_credentials(linked_account_id, "sendgrid", {"api_key": REFUSED_CREDENTIAL})
    assert rows(sandbox, "connections", linked_account_id) == []
    client.save_key_credentials(linked_account_id, "sendgrid", {"api_key": "SG.1"})
    assert [row["slug"] for row in rows(sandbox, "connections", linked_account_id)] == ["sendgrid"]


@pytest.mark.parametrize("linked_account_id", IDS)
def test_single_credentials_are_set_and_deleted_beside_the_others(
    client: Client, sandbox: Sandbox, linked_account_id: str
) -> None:
    client.upsert_account(linked_account_id)
    with pytest.raises(Refused) as without_default_application:
        client.set_auth_credential(linked_account_id, "b/ é", "hunter2-b")
    assert without_default_application.value.status == 404
    client.upsert_account(linked_account_id, auth_credentials={"a": "hunter2-a", "c": "hunter2-c"})
    client.set_auth_credential(linked_account_id, "b/ é", "hunter2-b")
    client.set_auth_credential(linked_account_id, "a", "hunter2-new")
    client.delete_auth_credential(linked_account_id, "c")

    (account,) = rows(sandbox, "accounts", linked_account_id, secrets=True)
    assert account["auth_credentials"] == {"a": "hunter2-new", "b/ é": "hunter2-b"}
    with pytest.raises(Refused) as deleted_before:
        client.delete_auth_credential(linked_account_id, "c")
    assert deleted_before.value.status == 404
    assert "hunter2" not in str(sandbox.calls())


@pytest.mark.parametrize("config_id", [None, "second/config é"])
@pytest.mark.parametrize("linked_account_id", IDS)
def test_configs_are_created_replaced_changed_and_deleted(
    client: Client, sandbox: Sandbox, linked_account_id: str, config_id: str | None
) -> None:
    client.upsert_account(linked_account_id)
    sandbox.connect(linked_account_id, "slack")
    with pytest.raises(UnknownConfig):
        client.fetch_config(linked_account_id, "slack", config_id=config_id)
    with pytest.raises(UnknownConfig):
        client.update_config(linked_account_id, "slack", config_id=config_id, fields={}, workflows=[])

    created = client.config(linked_account_id, "slack", config_id=config_id)
    assert created.config_id == (linked_account_id if config_id is None else config_id)
    assert {"channel", "mention"} <= {field.id for field in created.fields}
    workflow = {"id": "slack_notify", "enabled": True, "fields": {"template": "hello"}}
    fields = {"channel": "general", "mention": "@here"}
    replaced = client.update_config(
        linked_account_id, "slack", config_id=config_id, fields=fields, workflows=[workflow]
    )
    assert replaced.values == fields
    assert replaced.workflows[0].values["template"] == "hello"

    client.set_config_field(linked_account_id, "slack", "channel", "random", config_id=config_id)
    client.set_config_field(
        linked_account_id, "slack", "template", "bye", config_id=config_id, workflow_id="slack_notify"
    )
    client.clear_config_field(linked_account_id, "slack", "mention", config_id=config_id)
    client.set_workflow_enabled(linked_account_id, "slack", "slack_notify", enabled=False, config_id=config_id)
    fetched = client.fetch_config(linked_account_id, "slack", config_id=config_id)
    assert fetched.values["channel"] == "random"
    assert fetched.values.get("mention") is None
    notify = next(each for each in fetched.workflows if each.id == "slack_notify")
    assert (notify.enabled, notify.values["template"]) == (False, "bye")

    assert [each.config_id for each in client.fetch_configs(linked_account_id, "slack")] == [created.config_id]
    client.delete_config(linked_account_id, "slack", config_id=config_id)
    assert rows(sandbox, "configs", linked_account_id) == []
    with pytest.raises(UnknownConfig):
        client.delete_config(linked_account_id, "slack", config_id=config_id)


@pytest.mark.parametrize("linked_account_id", IDS)
def test_session_tokens_are_minted_reused_refreshed_and_revoked(
    client: Client, sandbox: Sandbox, linked_account_id: str
) -> None:
    with pytest.raises(UnknownAccount):
        client.session_token(linked_account_id)
    token = client.session_token(linked_account_id, ensure=True)
    assert [row["linked_account_id"] for row in rows(sandbox, "accounts", linked_account_id)] == [linked_account_id]
    assert token.expires_at > datetime.now(UTC) + timedelta(hours=23)
    calls = len(sandbox.calls())
    assert client.session_token(linked_account_id) == token
    assert len(sandbox.calls()) == calls
    fresh = client.session_token(linked_account_id, force_refresh=True)
    assert fresh.token != token.token
    assert client.revoke_session_token(fresh.token) == 1
    assert client.revoke_session_token(fresh.token) == 0
    assert client.session_token(linked_account_id).token != fresh.token


def test_a_token_that_cobalt_ended_is_replaced_without_the_caller_noticing(client: Client, sandbox: Sandbox) -> None:
    client.upsert_account("é")
    in_hand = client.session_token("é").token
    with Client("tk_sandbox", transport=SandboxTransport(sandbox)) as other:
        assert other.revoke_session_token(in_hand) == 1
    assert client.fetch_application("é", "slack").slug == "slack"


def test_webhooks_are_created_listed_changed_and_deleted(client: Client) -> None:
    webhook = client.create_webhook("https://host.example/cobalt", ["Connection Created"])
    assert [each.id for each in client.fetch_webhooks()] == [webhook.id]
    assert client.update_webhook(webhook.id, is_enabled=False).is_enabled is False
    client.delete_webhook(webhook.id)
    assert client.fetch_webhooks() == []
    with pytest.raises(Refused) as raised:
        client.delete_webhook(webhook.id)
    assert (raised.value.status, raised.value.code) == (400, "RESOURCE_NOT_FOUND")


def test_unknown_accounts_and_applications_are_told_apart(client: Client) -> None:
    for linked_account_id in ("nobody", "nobody é"):
        with pytest.raises(UnknownAccount):
            client.set_auth_credential(linked_account_id, "key", "value")
        with pytest.raises(UnknownAccount):
            client.fetch_applications(linked_account_id)
        with pytest.raises(UnknownAccount):
            client.config(linked_account_id, "slack")
        with pytest.raises(UnknownAccount):
            client.disconnect(linked_account_id, "slack")
    client.upsert_account("acme")
    for use in (client.fetch_application, client.config, client.oauth_url):
        with pytest.raises(UnknownApplication):
            use("acme", "no-such-app")


def test_a_refused_value_keeps_the_reason(client: Client, sandbox: Sandbox) -> None:
    client.upsert_account("acme")
    sandbox.connect("acme", "slack")
    client.config("acme", "slack")
    with pytest.raises(Refused) as raised:
        client.set_config_field("acme", "slack", "channel", {"not": "a channel"})
    assert raised.value.message
    with pytest.raises(Refused):  # not the 404 that an absent config has
        client.set_config_field("acme", "slack", "no-such-field", "x")


def test_a_good_key_passes_the_probe_and_a_wrong_one_does_not(client: Client, sandbox: Sandbox) -> None:
    client.probe()
    with Client("tk_wrong", transport=SandboxTransport(sandbox)) as wrong, pytest.raises(KeyRefused):
        wrong.probe()


@pytest.mark.parametrize(
    ("fault", "error", "happened"),
    [
        (Fault(answer=Answer.ERROR), ServerError, False),
        (Fault(answer=Answer.ERROR, effect=Effect.DONE), ServerError, True),
        (Fault(answer=Answer.THROTTLE), RateLimited, False),
        (Fault(answer=Answer.HTML), ServerError, False),
        (Fault(answer=Answer.TRUNCATED), UnexpectedAnswer, True),
        (Fault(answer=Answer.CLOSED), NoAnswer, False),
        (Fault(answer=Answer.CLOSED, effect=Effect.DONE), NoAnswer, True),
    ],
)
def test_an_error_never_says_that_nothing_happened_when_something_did(
    unjudged: Client, sandbox: Sandbox, fault: Fault, error: type[CobaltError], happened: bool
) -> None:
    sandbox.add_faults(fault)
    with pytest.raises(error) as raised:
        unjudged.upsert_account("acme")
    sandbox.clear_faults()
    assert raised.value.effect_possible is (error is not RateLimited)
    assert bool(sandbox.state()["accounts"]) is happened
