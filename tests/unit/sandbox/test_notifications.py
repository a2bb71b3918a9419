"""Webhooks and what is sent to them, as the outbox shows it."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.controls import DEFAULT_ORGANISATION
from tests.unit.sandbox.conftest import CONFIG, PUBLIC, Api, TestClock, ok, refused

WEBHOOK = f"{PUBLIC}/webhook"
EVENTS = [
    "Connection Created",
    "Connection Deleted",
    "Connection Expired",
    "Workflow Completed",
    "Workflow Errored",
    "Workflow Stopped",
    "Workflow Timed Out",
]


def register(api: Api, **fields: Any) -> Any:
    body = {"webhook_url": "https://host.example/hook", "webhook_events": EVENTS, "webhook_type": "default", **fields}
    return ok(api("POST", WEBHOOK, json=body))


def taken(sandbox: Sandbox) -> list[str]:
    return [each.event for each in sandbox.take_notifications()]


def test_webhooks_are_registered_listed_changed_and_deleted(api: Api) -> None:
    first, second = register(api), register(api, description="second")

    assert first["is_enabled"] is True
    assert ok(api("GET", WEBHOOK)) == [first, second]
    changed = ok(api("PUT", f"{WEBHOOK}/{first['_id']}", json={"is_enabled": False}))
    assert changed == {**first, "is_enabled": False}
    assert ok(api("GET", f"{WEBHOOK}/{first['_id']}")) == changed
    assert ok(api("DELETE", f"{WEBHOOK}/{first['_id']}")) == [second]
    assert refused(api("PUT", f"{WEBHOOK}/{first['_id']}", json={})) == (400, "RESOURCE_NOT_FOUND")
    assert refused(api("DELETE", f"{WEBHOOK}/{first['_id']}")) == (400, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_url": "ftp://host.example"},
        {"webhook_url": None},
        {"webhook_events": []},
        {"webhook_events": ["Connection Recovered"]},
        {"webhook_type": "carrier pigeon"},
        {"is_enabled": "yes"},
        {"slug": "slack"},
        {"url": "https://host.example"},
    ],
)
def test_a_wrong_webhook_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    body = {"webhook_url": "https://host.example/hook", "webhook_events": EVENTS, **wrong}

    code = "INVALID_EVENT" if wrong.get("webhook_events") else "BAD_REQUEST"
    assert refused(api("POST", WEBHOOK, json=body)) == (400, code)
    assert ok(api("GET", WEBHOOK)) == []


def test_a_notification_is_signed_with_the_key_of_its_environment(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    production = Api(sandbox, clock, key="pk_sandbox")
    production.upsert("acme")
    register(production)
    register(api)
    api.consent("slack")

    (sent,) = sandbox.take_notifications()
    assert sent.headers["x-cobalt-signature"] == hmac.new(b"tk_sandbox", sent.body, hashlib.sha256).hexdigest()
    assert json.loads(sent.body) == {
        "linked_account_id": "acme",
        "org_id": DEFAULT_ORGANISATION,
        "environment": "test",
        "type": "General",
        "event": "Connection Created",
        "slug": "slack",
        "createdAt": "Mon, 04 May 2026 03:02:01 GMT",
    }


def test_each_change_of_a_connection_is_told_and_nothing_else(api: Api, sandbox: Sandbox) -> None:
    register(api)
    api.consent("slack")
    api.consent("slack")
    sandbox.expire_connection("acme", "slack")
    sandbox.recover_connection("acme", "slack")
    ok(api("POST", CONFIG, json={"slug": "slack"}))
    sandbox.disconnect("acme", "slack")
    sandbox.disconnect("acme", "slack")
    api.upsert("acme", name="Other")
    sandbox.delete_account("acme")

    assert taken(sandbox) == ["Connection Created"] * 2 + ["Connection Expired", "Connection Deleted"]


def test_a_workflow_notification_is_told_on_demand(api: Api, sandbox: Sandbox) -> None:
    register(api)
    sandbox.notify_workflow("acme", "slack_notify", event="Workflow Errored")

    (sent,) = sandbox.take_notifications()
    payload = json.loads(sent.body)
    assert payload.pop("instance_id")
    assert payload == {
        "linked_account_id": "acme",
        "workflow_id": "slack_notify",
        "config_id": "acme",
        "event": "Workflow Errored",
        "workflow_name": "Notify the channel",
        "status": "ERRORED",
    }


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("Workflow Completed", "COMPLETED"),
        ("Workflow Errored", "ERRORED"),
        ("Workflow Stopped", "STOPPED"),
        ("Workflow Timed Out", "TIMED_OUT"),
    ],
)
def test_every_end_of_a_workflow_is_told(api: Api, sandbox: Sandbox, event: str, status: str) -> None:
    register(api, webhook_events=[event])
    sandbox.notify_workflow("acme", "slack_notify", event=event)

    (sent,) = sandbox.take_notifications()
    assert (json.loads(sent.body)["event"], json.loads(sent.body)["status"]) == (event, status)
    assert "error" not in json.loads(sent.body)


def test_a_failed_workflow_carries_the_whole_error(api: Api, sandbox: Sandbox) -> None:
    register(api)
    error = {"response": {"status": 502, "data": "x" * 100_000}}
    body = {"linked_account_id": "acme", "workflow_id": "slack_notify", "event": "Workflow Errored", "error": error}
    ok(api.http.post("/_sandbox/dashboard/notify_workflow", json=body))

    (sent,) = sandbox.take_notifications()
    assert json.loads(sent.body)["error"] == error
    for wrong in ({"event": "Workflow Stopped"}, {"event": "Workflow Started"}):
        assert refused(api.http.post("/_sandbox/dashboard/notify_workflow", json={**body, **wrong}))[0] == 400
    assert sandbox.take_notifications() == []


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("{{event}}", "EVENT"),
        ('{"text": "{{event}}", "from": "Cobalt"}', '{"text": EVENT, "from": "Cobalt"}'),
        ({"data": "{{event}}", "kind": 7}, '{"data":EVENT,"kind":7}'),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_custom_webhook_has_a_body_of_its_own(api: Api, sandbox: Sandbox, template: Any, body: str) -> None:
    plain = register(api, webhook_body={"is": "ignored"})
    custom = register(api, webhook_type="custom", webhook_body=template)
    assert (plain["webhook_type"], plain["webhook_body"]) == ("default", "{{event}}")
    assert custom["webhook_type"] == ("default" if template == "{{event}}" else "custom")
    assert custom["webhook_body"] == template
    api.consent("slack")

    first, second = sandbox.take_notifications()
    assert second.body.decode() == body.replace("EVENT", first.body.decode())
    assert second.headers["x-cobalt-signature"] == hmac.new(b"tk_sandbox", second.body, hashlib.sha256).hexdigest()


def test_headers_of_a_webhook_are_sent_as_texts(api: Api, sandbox: Sandbox) -> None:
    headers = {"text": "a", "number": 7, "flag": True, "object": {"a": [1]}}
    assert register(api, webhook_headers=headers)["webhook_headers"] == headers
    api.consent("slack")

    [notification] = sandbox.take_notifications()
    assert {name: notification.headers[name] for name in headers} == {
        "text": "a",
        "number": "7",
        "flag": "true",
        "object": '{"a":[1]}',
    }


def test_a_webhook_becomes_custom_and_default_again(api: Api) -> None:
    webhook = register(api)

    def changed(**fields: Any) -> tuple[Any, Any]:
        shown = ok(api("PUT", f"{WEBHOOK}/{webhook['_id']}", json=fields))
        return shown["webhook_type"], shown["webhook_body"]

    assert changed(webhook_body="x {{event}}") == ("default", "{{event}}")
    assert changed(webhook_type="custom", webhook_body="x {{event}}") == ("custom", "x {{event}}")
    assert changed(is_enabled=False) == ("custom", "x {{event}}")
    assert changed(webhook_type="default") == ("default", "{{event}}")
    wrong = api("PUT", f"{WEBHOOK}/{webhook['_id']}", json={"webhook_events": ["Workflow Started"]})
    assert refused(wrong) == (400, "INVALID_EVENT")


def test_only_enabled_webhooks_that_asked_for_the_event_are_told(api: Api, sandbox: Sandbox) -> None:
    register(api, is_enabled=False)
    register(api, webhook_events=["Connection Deleted"])
    api.consent("slack")

    assert taken(sandbox) == []


def test_notifications_are_lost_doubled_and_delayed_as_the_settings_say(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    register(api)
    sandbox.change_settings(notifications_lost=1)
    api.consent("slack")
    assert sandbox.take_notifications(all_of_them=True) == []
    assert len(sandbox.effects(kind="notification_lost")) == 1

    sandbox.change_settings(notifications_lost=0, notifications_duplicated=1, notifications_delay_seconds=5)
    api.consent("github")
    assert taken(sandbox) == []
    clock.forward(5)
    assert taken(sandbox) == ["Connection Created"] * 2


def test_shuffled_notifications_overtake_each_other(api: Api, sandbox: Sandbox, clock: TestClock) -> None:
    register(api)
    sandbox.change_settings(notifications_shuffle_seconds=10)
    for _ in range(10):
        api.consent("slack")
    clock.forward(10)

    order = [each.n for each in sandbox.take_notifications()]
    assert sorted(order) == list(range(1, 11))
    assert order != sorted(order)


def test_a_refused_delivery_is_tried_three_more_times_twice_as_late_each_time(
    api: Api, sandbox: Sandbox, clock: TestClock
) -> None:
    register(api)
    api.consent("slack")
    waits = []
    (sent,) = sandbox.take_notifications()
    while sandbox.put_back_notification(sent):
        waits.append((sent.due_at - clock.now).total_seconds())
        clock.now = sent.due_at
        (sent,) = sandbox.take_notifications()

    assert waits == [1.0, 2.0, 4.0]
    assert sandbox.take_notifications(all_of_them=True) == []
