"""The calls that fire an event of the organisation's default application."""

from typing import Any

from cobalt_mirror.cobalt.sandbox.accounts import record
from cobalt_mirror.cobalt.sandbox.applications import enabled_application
from cobalt_mirror.cobalt.sandbox.call import Body, Call
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request, not_served


class _FireBody(Body):
    """The body of an event; the last three keys are what the vendor's client for Node sends along."""

    event: str = ""
    trigger: str = ""
    payload: Any = None
    linked_account_id: str = ""
    config_id: str = ""
    slug: str = ""


def fire(call: Call) -> dict[str, Any]:
    """POST event/trigger and event/{slug}: records the event; no workflow runs in the sandbox."""
    account = call.account_from_header()
    if call.request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise not_served("events with files")
    body = call.body(_FireBody)
    event = body.event or body.trigger
    if not event:
        raise bad_request("event: is missing.")
    slug = call.params.get("slug") or call.request.headers.get("slug")
    if slug:
        enabled_application(call.world, slug)
    if event not in call.world.events:
        raise Refusal(404, "INVALID_EVENT", f"There is no event {event!r}.")
    config_id = call.request.headers.get("config_id") or body.config_id or account.linked_account_id
    record(call.world, "event_fired", account, slug=slug or None, event=event, config_id=config_id)
    return {"message": "Event fired."}
