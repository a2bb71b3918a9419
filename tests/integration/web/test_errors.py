"""Of a workflow's error a limited part without secrets is stored, and the rest is nowhere in the database."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.tables import metadata
from cobalt_mirror.workers.ops.subscription import ensure_subscription
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import URL, Endpoints, connection_notification, workflow_notification
from tests.world import World

SECRET = "hunter2-S3cr3t"
FAR = "far behind the limit"
LARGE = "x" * 450_000 + FAR
LIMIT = Settings.model_fields["notification_error_characters"].default


def stored(world: World) -> str:
    """Everything that the database holds, as one text."""
    with reading(world.engine).begin() as connection:
        rows = [connection.execute(select(table)).all() for table in metadata.sorted_tables]
    return repr(rows)


def errored(**more: Any) -> dict[str, Any]:
    return workflow_notification("Workflow Errored", **more)


@pytest.mark.parametrize(
    ("more", "described"),
    [
        ({"error": LARGE}, "x" * (LIMIT - 1) + "…"),
        ({"error": {"stack": LARGE, "message": "no such channel", "status": 404}}, "no such channel (status 404)"),
        ({"error": json.dumps({"stack": LARGE, "message": "no"})}, '{"message": "no", "stack": "xxx'),
        ({"error": [LARGE]}, '["xxx'),
        ({"error": {"message": "no"}, "details": {"response": LARGE}}, "no"),
        ({"error": "", "upstream": LARGE}, "ERRORED"),
        ({"error": "no", "workflow_name": LARGE}, "no"),
        ({"status": LARGE}, "x" * 199 + "…"),
        ({"error": "no", LARGE: 1}, "no"),
    ],
)
def test_a_large_error_is_taken_and_only_its_beginning_is_stored(
    endpoints: Endpoints, more: dict[str, Any], described: str
) -> None:
    answer = endpoints.notify(errored(**more))

    assert answer.status_code == 200
    assert endpoints.world.row("workflow_runs")["last_error"].startswith(described)
    payload = endpoints.world.row("notifications")["payload"]
    assert (payload["linked_account_id"], payload["instance_id"], payload["event"]) == (
        "acme",
        "i1",
        "Workflow Errored",
    )
    assert FAR not in stored(endpoints.world)
    assert len(stored(endpoints.world)) < 4 * LIMIT + 5_000


@pytest.mark.parametrize("event", ["Workflow Stopped", "Workflow Timed Out", "Workflow Exploded", "Connection Expired"])
def test_of_any_other_notification_a_limited_part_is_stored_too(endpoints: Endpoints, event: str) -> None:
    told = {**connection_notification(event), **workflow_notification(event), "error": LARGE, "extra": {"deep": LARGE}}

    assert endpoints.notify(told).status_code == 200

    row = endpoints.world.row("notifications")
    assert row["payload"]["error"] == "x" * (LIMIT - 1) + "…"
    assert FAR not in stored(endpoints.world)
    assert len(stored(endpoints.world)) < 4 * LIMIT + 5_000


@pytest.mark.parametrize(
    "error",
    [
        f"GET https://x.test/?access_token={SECRET} failed",
        {"message": f"Authorization: Bearer {SECRET}", "config": {"headers": {"Cookie": f"sid={SECRET}"}}},
        {"message": "no", "request": json.dumps({"api_key": SECRET})},
        [{"password": [SECRET]}],
        "x" * (LIMIT - 20) + f" password={SECRET}",
        "the key is tk_sandbox",
        "the key is tk_the_key_before",
        "the token is a-token-of-the-host",
    ],
)
def test_secrets_are_not_stored(endpoints: Endpoints, error: Any) -> None:
    assert endpoints.notify(errored(error=error, more=error, status=f"token={SECRET}")).status_code == 200

    everything = stored(endpoints.world)
    assert "[redac" in everything
    for secret in (SECRET[:4], "tk_sandbox", "tk_the_key", "a-token-of"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("limit", "payload", "described"),
    [(0, None, "ERRORED"), (5, "no s…", "no s…"), (15, "no such channel", "no such channel")],
)
def test_a_setting_says_how_much_is_stored(
    make_world: Callable[..., World], limit: int, payload: str | None, described: str
) -> None:
    world = make_world(options={"notification_error_characters": limit})
    endpoints = Endpoints(world, create_app(world.settings, engine=world.engine, clock=world.clock))

    endpoints.notify(errored(error="no such channel", extra="no such channel"))

    assert world.row("notifications")["payload"]["error"] == payload
    assert world.row("workflow_runs")["last_error"] == described


def test_what_cobalt_sends_of_a_run_that_errored_arrives_however_large_it_is(endpoints: Endpoints) -> None:
    endpoints.world.client.upsert_account("acme")
    endpoints.subscribe()
    error = {"message": "no such channel", "request": {"headers": {"Authorization": f"Bearer {SECRET}"}}, "body": LARGE}
    endpoints.world.sandbox.notify_workflow("acme", "slack_notify", event="Workflow Errored", error=error)

    endpoints.deliver(endpoints.sent())

    assert endpoints.world.row("workflow_runs")["last_error"] == "no such channel"
    everything = stored(endpoints.world)
    assert (FAR in everything, SECRET in everything) == (False, False)


def test_what_cobalt_sends_with_a_body_of_its_own_is_refused_until_the_webhook_is_ensured(endpoints: Endpoints) -> None:
    client, sandbox = endpoints.world.client, endpoints.world.sandbox
    client.upsert_account("acme")
    webhook = client.create_webhook(URL, EVENT_NAMES)
    client.update_webhook(webhook.id, webhook_type="custom", webhook_body={"text": "{{event}}"})
    sandbox.notify_workflow("acme", "slack_notify", event="Workflow Stopped")
    (custom,) = endpoints.sent()

    refused = endpoints.request("POST", "/webhooks/cobalt", content=custom.body, headers=custom.headers)
    ensure_subscription(client, URL)
    sandbox.notify_workflow("acme", "slack_notify", event="Workflow Stopped")
    endpoints.deliver(endpoints.sent())

    assert refused.status_code == 400
    assert "cobalt-mirror webhook ensure" in refused.json()["error"]
    assert endpoints.world.row("workflow_runs")["stopped"] == 1
