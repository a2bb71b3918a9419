"""Webhook subscriptions: register, list, change, delete."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from cobalt_mirror.cobalt.sandbox.call import Body, Call
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.notifications import CONNECTION_EVENTS, EVENTS, WorkflowEvent
from cobalt_mirror.cobalt.sandbox.state import Webhook, iso

_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")]
DEFAULT_BODY = "{{event}}"
"""The body of a webhook that is not custom: the event alone."""


class _Optional(Body):
    webhook_headers: dict[str, Any] = Field(default_factory=dict)
    webhook_body: Any = None
    description: str = ""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    slug: str = ""
    workflow_ids: list[str] = Field(default_factory=list)
    webhook_type: Literal["default", "slack", "custom"] = "default"
    is_enabled: bool = True


class _RegisterBody(_Optional):
    webhook_description: str = ""
    group: str = ""
    webhook_url: _Url
    webhook_events: list[str] = Field(min_length=1)


class _ChangeBody(_Optional):
    webhook_url: _Url = "http://unchanged"
    webhook_events: list[str] = Field(default_factory=list)


def register(call: Call) -> dict[str, Any]:
    """POST webhook."""
    body = call.body(_RegisterBody)
    _check_events(body.webhook_events)
    if body.slug and not set(body.webhook_events) <= set(WorkflowEvent):
        raise bad_request(f"webhook_events: with a slug, none of {', '.join(CONNECTION_EVENTS)}.")
    moment = iso(call.world.now)
    fields = {
        "is_enabled": body.is_enabled,
        "workflow_ids": body.workflow_ids,
        "method": body.method,
        "webhook_type": body.webhook_type,
        "webhook_body": DEFAULT_BODY,
        **body.model_dump(exclude_unset=True),
        "createdAt": moment,
        "updatedAt": moment,
        "__v": 0,
    }
    webhook = Webhook(id=call.world.new_id(), environment=call.environment, fields=_with_body(fields))
    call.world.webhooks[webhook.id] = webhook
    _record(call, "webhook_registered", webhook)
    return _document(call, webhook)


def list_all(call: Call) -> list[dict[str, Any]]:
    """GET webhook."""
    return [
        _document(call, webhook) for webhook in call.world.webhooks.values() if webhook.environment is call.environment
    ]


def read(call: Call) -> dict[str, Any]:
    """GET webhook/{id}."""
    return _document(call, _find(call))


def change(call: Call) -> dict[str, Any]:
    """PUT webhook/{id}: changes only the properties in the body."""
    webhook = _find(call)
    body = call.body(_ChangeBody)
    _check_events(body.webhook_events)
    changes = body.model_dump(exclude_unset=True)
    webhook.fields = _with_body({**webhook.fields, **changes, "updatedAt": iso(call.world.now)})
    _record(call, "webhook_changed", webhook)
    return _document(call, webhook)


def remove(call: Call) -> list[dict[str, Any]]:
    """DELETE webhook/{id}: returns those that remain."""
    webhook = _find(call)
    del call.world.webhooks[webhook.id]
    _record(call, "webhook_deleted", webhook)
    return list_all(call)


def _find(call: Call) -> Webhook:
    webhook = call.world.webhooks.get(call.params["id"])
    if webhook is None or webhook.environment is not call.environment:
        raise Refusal(400, "RESOURCE_NOT_FOUND", "There is no such webhook.")
    return webhook


def _check_events(events: list[str]) -> None:
    for event in events:
        if event not in EVENTS:
            raise Refusal(400, "INVALID_EVENT", f"webhook_events: there is no event {event!r}.")


def _with_body(fields: dict[str, Any]) -> dict[str, Any]:
    """Return a webhook's fields with its body and type: only a custom one has a body of its own."""
    if fields["webhook_type"] != "custom" or fields["webhook_body"] is None:
        fields["webhook_body"] = DEFAULT_BODY
    if fields["webhook_type"] == "custom" and fields["webhook_body"] == DEFAULT_BODY:
        fields["webhook_type"] = "default"
    return fields


def _document(call: Call, webhook: Webhook) -> dict[str, Any]:
    return {
        "_id": webhook.id,
        "org_id": call.world.org_id,
        "environment": webhook.environment.value,
        **webhook.fields,
    }


def _record(call: Call, kind: str, webhook: Webhook) -> None:
    call.world.ledger.record_effect(
        kind, at=iso(call.world.now), environment=webhook.environment.value, webhook_id=webhook.id
    )
