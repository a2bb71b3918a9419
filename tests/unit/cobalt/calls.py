"""Every call of the client, with an answer that suits it: the table that several tests go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from cobalt_mirror.cobalt import Client
from tests.unit.cobalt.scripted import account_answer, answer, config_body, token_answer


class ClientCall(NamedTuple):
    """One public method: how it is called, what answers it, and whether it changes anything at Cobalt."""

    call: Callable[[Client, str], Any]
    answer: httpx.Response
    writes: bool


_APPLICATION = {"slug": "slack", "name": "Slack", "connected": False}
_CONFIG = answer(config_body())
_PAGE = answer({"docs": [], "page": 1, "limit": 10, "hasNextPage": False})
_WEBHOOK = answer({"_id": "w1", "webhook_url": "https://host.example/hook", "webhook_events": ["Connection Created"]})
_DONE = answer({"message": "done"})


def _workflows() -> list[dict[str, Any]]:
    return [{"id": "w", "enabled": True, "fields": {"g": 1}}]


ORGANISATION_CALLS: dict[str, ClientCall] = {
    "upsert_account": ClientCall(
        lambda c, i: c.upsert_account(i, name="Acme", udf={"plan": "pro"}, auth_credentials={"pass": "hunter22"}),
        account_answer(),
        writes=True,
    ),
    "fetch_account": ClientCall(lambda c, i: c.fetch_account(i), account_answer(), writes=False),
    "fetch_accounts": ClientCall(lambda c, i: c.fetch_accounts(page=2, limit=50), _PAGE, writes=False),
    "delete_account": ClientCall(lambda c, i: c.delete_account(i), _DONE, writes=True),
    "probe": ClientCall(lambda c, i: c.probe(), _PAGE, writes=False),
    "disconnect": ClientCall(lambda c, i: c.disconnect(i, "slack", auth_type="oauth2"), account_answer(), writes=True),
    "session_token": ClientCall(lambda c, i: c.session_token(i), token_answer(), writes=False),
    "force_refresh": ClientCall(lambda c, i: c.session_token(i, force_refresh=True), token_answer(), writes=False),
    "fetch_webhooks": ClientCall(lambda c, i: c.fetch_webhooks(), answer([]), writes=False),
    "create_webhook": ClientCall(
        lambda c, i: c.create_webhook("https://host.example/hook", ["Connection Created"]), _WEBHOOK, writes=True
    ),
    "update_webhook": ClientCall(lambda c, i: c.update_webhook("w1", is_enabled=False), _WEBHOOK, writes=True),
    "delete_webhook": ClientCall(lambda c, i: c.delete_webhook("w1"), answer([]), writes=True),
}
ACCOUNT_CALLS: dict[str, ClientCall] = {
    "fetch_applications": ClientCall(lambda c, i: c.fetch_applications(i), answer([_APPLICATION]), writes=False),
    "fetch_application": ClientCall(lambda c, i: c.fetch_application(i, "slack"), answer(_APPLICATION), writes=False),
    "oauth_url": ClientCall(lambda c, i: c.oauth_url(i, "slack"), answer({"auth_url": "https://a"}), writes=False),
    "save_key_credentials": ClientCall(
        lambda c, i: c.save_key_credentials(i, "sendgrid", {"api_key": "hunter22"}), _DONE, writes=True
    ),
    "set_auth_credential": ClientCall(
        lambda c, i: c.set_auth_credential(i, "api_key", "hunter22"), answer({"success": True}), writes=True
    ),
    "delete_auth_credential": ClientCall(lambda c, i: c.delete_auth_credential(i, "api_key"), _DONE, writes=True),
    "config": ClientCall(lambda c, i: c.config(i, "slack", labels={"team": "a"}), _CONFIG, writes=True),
    "update_config": ClientCall(
        lambda c, i: c.update_config(i, "slack", fields={"f": 1}, workflows=_workflows()), _CONFIG, writes=True
    ),
    "fetch_config": ClientCall(lambda c, i: c.fetch_config(i, "slack"), _CONFIG, writes=False),
    "fetch_config by id": ClientCall(lambda c, i: c.fetch_config(i, "slack", config_id="c"), _CONFIG, writes=False),
    "fetch_configs": ClientCall(
        lambda c, i: c.fetch_configs(i, "slack"), answer([{"_id": "1", "config_id": "c"}]), writes=False
    ),
    "delete_config": ClientCall(lambda c, i: c.delete_config(i, "slack"), _DONE, writes=True),
    "delete_config by id": ClientCall(lambda c, i: c.delete_config(i, "slack", config_id="c"), _DONE, writes=True),
    "set_workflow_enabled": ClientCall(
        lambda c, i: c.set_workflow_enabled(i, "slack", "w", enabled=False), answer({"workflows": []}), writes=True
    ),
    "set_config_field": ClientCall(
        lambda c, i: c.set_config_field(i, "slack", "f", "new", config_id="c", workflow_id="w"), answer({}), writes=True
    ),
    "clear_config_field": ClientCall(
        lambda c, i: c.clear_config_field(i, "slack", "f", config_id="c"), answer({}), writes=True
    ),
}
TOKEN_CALLS: dict[str, ClientCall] = {
    "connect_url": ClientCall(
        lambda c, i: c.connect_url(i, config_id="c", redirect_url="https://host.example"),
        answer({"hosted_url": "https://h"}),
        writes=False,
    ),
    "revoke_session_token": ClientCall(
        lambda c, i: c.revoke_session_token("token-1"), answer({"success": True, "revoked_count": 1}), writes=True
    ),
}
ALL_CALLS = ORGANISATION_CALLS | ACCOUNT_CALLS | TOKEN_CALLS
