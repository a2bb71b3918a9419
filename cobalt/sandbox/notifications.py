"""Notifications to registered webhooks: signed, and without a guarantee that they arrive."""

import hashlib
import hmac
from datetime import datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any

from pydantic_core import to_json

from cobalt_mirror.cobalt.sandbox.messages import text_of
from cobalt_mirror.cobalt.sandbox.state import Account, Environment, Notification, World, iso

ATTEMPTS = 4
"""One delivery and three retries."""

CONNECTION_EVENTS = ("Connection Created", "Connection Deleted", "Connection Expired")


class WorkflowEvent(StrEnum):
    """How a run of a workflow ended."""

    COMPLETED = "Workflow Completed"
    ERRORED = "Workflow Errored"
    STOPPED = "Workflow Stopped"
    TIMED_OUT = "Workflow Timed Out"


EVENTS = (*CONNECTION_EVENTS, *(event.value for event in WorkflowEvent))
_STATUSES = {
    WorkflowEvent.COMPLETED: "COMPLETED",
    WorkflowEvent.ERRORED: "ERRORED",
    WorkflowEvent.STOPPED: "STOPPED",
    WorkflowEvent.TIMED_OUT: "TIMED_OUT",
}


def emit_connection(world: World, account: Account, slug: str, event: str) -> None:
    """Notify of a change to one account's connection."""
    payload = {
        "linked_account_id": account.linked_account_id,
        "org_id": world.org_id,
        "environment": account.environment.value,
        "type": "General",
        "event": event,
        "slug": slug,
        "createdAt": format_datetime(world.now, usegmt=True),
    }
    emit(world, account, event, payload, slug=slug)


def emit_workflow(
    world: World,
    account: Account,
    event: str,
    *,
    workflow_id: str,
    workflow_name: str,
    config_id: str,
    error: Any = None,
) -> None:
    """Notify of the end of a workflow's run.

    Raises:
        ValueError: There is no such event, or it is not ``Workflow Errored`` and there is an error.
    """
    ended = WorkflowEvent(event)
    if error is not None and ended is not WorkflowEvent.ERRORED:
        raise ValueError(f"error: only {WorkflowEvent.ERRORED} carries one")
    payload = {
        "linked_account_id": account.linked_account_id,
        "instance_id": world.new_id(),
        "workflow_id": workflow_id,
        "config_id": config_id,
        "event": ended.value,
        "workflow_name": workflow_name,
        "status": _STATUSES[ended],
    }
    emit(world, account, ended.value, payload if error is None else {**payload, "error": error})


def emit(world: World, account: Account, event: str, payload: dict[str, Any], *, slug: str | None = None) -> None:
    """Put one notification for each webhook into the outbox, or lose it, as the settings say."""
    event_json = to_json(payload)
    for webhook in list(world.webhooks.values()):
        fields = webhook.fields
        if webhook.environment is not account.environment or not fields["is_enabled"]:
            continue
        if event not in fields["webhook_events"]:
            continue
        lost = world.rng.random() < world.settings.notifications_lost
        _record(world, "notification_lost" if lost else "notification_made", account, event, slug)
        if lost:
            continue
        copies = 2 if world.rng.random() < world.settings.notifications_duplicated else 1
        for _ in range(copies):
            body = _body(fields["webhook_body"], event_json)
            world.outbox.append(_notification(world, account.environment, event, fields, body))


def take_due(world: World, now: datetime) -> list[Notification]:
    """Remove and return the notifications that are due, in the order of their due times."""
    due = sorted((item for item in world.outbox if item.due_at <= now), key=lambda item: (item.due_at, item.n))
    world.outbox = [notification for notification in world.outbox if notification.due_at > now]
    return due


def put_back(world: World, notification: Notification, now: datetime) -> bool:
    """Schedule the next attempt after a refused delivery; the wait doubles each time.

    Returns:
        Whether there is another attempt; False means lost.
    """
    notification.attempts += 1
    if notification.attempts >= ATTEMPTS:
        return False
    wait = world.settings.notifications_retry_seconds * 2.0 ** (notification.attempts - 1)
    notification.due_at = now + timedelta(seconds=wait)
    world.outbox.append(notification)
    return True


def _body(template: Any, event_json: bytes) -> bytes:
    """Return the template with the event's JSON in place of ``{{event}}``, quoted or not."""
    text = template.encode() if isinstance(template, str) else to_json(template)
    return text.replace(b'"{{event}}"', event_json).replace(b"{{event}}", event_json)


def _notification(
    world: World, environment: Environment, event: str, fields: dict[str, Any], body: bytes
) -> Notification:
    world.notifications_made += 1
    wait = world.settings.notifications_delay_seconds
    wait += world.rng.random() * world.settings.notifications_shuffle_seconds
    signature = hmac.new(world.keys[environment].encode(), body, hashlib.sha256).hexdigest()
    extra = {name: text_of(value) for name, value in fields.get("webhook_headers", {}).items()}
    return Notification(
        n=world.notifications_made,
        event=event,
        url=fields["webhook_url"],
        method=fields["method"],
        headers={**extra, "content-type": "application/json", "x-cobalt-signature": signature},
        body=body,
        due_at=world.now + timedelta(seconds=wait),
    )


def _record(world: World, kind: str, account: Account, event: str, slug: str | None) -> None:
    world.ledger.record_effect(
        kind,
        at=iso(world.now),
        environment=account.environment.value,
        linked_account_id=account.linked_account_id,
        slug=slug,
        event=event,
    )
