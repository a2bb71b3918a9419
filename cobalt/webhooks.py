"""Webhooks: where Cobalt sends its notifications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.identifiers import path_segment
from cobalt_mirror.cobalt.models import Webhook
from cobalt_mirror.cobalt.organisation import ANYTHING, Organisation

_WEBHOOK = TypeAdapter(Webhook)
_WEBHOOKS = TypeAdapter(list[Webhook])
_PATH = "/api/v2/public/webhook"

#: All events of which Cobalt can notify.
EVENT_NAMES = (
    "Connection Created",
    "Connection Deleted",
    "Connection Expired",
    "Workflow Completed",
    "Workflow Errored",
    "Workflow Stopped",
    "Workflow Timed Out",
)

#: The body of a webhook that carries Cobalt's notifications as they are; any other one has a template.
DEFAULT_TYPE = "default"


class Webhooks(Organisation):
    """The webhooks of the key's environment; an unknown id is `Refused` with the code `RESOURCE_NOT_FOUND`."""

    def fetch_webhooks(self) -> list[Webhook]:
        """Return all webhooks.

        Raises:
            CobaltError: See `Client`.
        """
        return self._with_key(Call(method="GET", path=_PATH), _WEBHOOKS)

    def create_webhook(self, url: str, events: Sequence[str]) -> Webhook:
        """Create a webhook for `url` with these events, such as `Connection Created`. Calling it twice makes two.

        Raises:
            Refused: Cobalt does not accept the URL or an event. Stop.
            CobaltError: See `Client`.
        """
        body = {"webhook_url": url, "webhook_events": list(events), "webhook_type": DEFAULT_TYPE}
        return self._with_key(Call(method="POST", path=_PATH, body=body, writes=True), _WEBHOOK)

    def update_webhook(self, webhook_id: str, **changes: Any) -> Webhook:
        """Change the named properties, such as `is_enabled` or `webhook_events`; the others stay.

        Raises:
            Refused: Cobalt does not accept a value, or has no such webhook (`RESOURCE_NOT_FOUND`). Stop.
            CobaltError: See `Client`.
        """
        return self._with_key(Call(method="PUT", path=_path(webhook_id), body=changes, writes=True), _WEBHOOK)

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete the webhook.

        Raises:
            Refused: There is no such webhook (`RESOURCE_NOT_FOUND`), so nothing is left to delete.
            CobaltError: See `Client`.
        """
        self._with_key(Call(method="DELETE", path=_path(webhook_id), writes=True), ANYTHING)


def _path(webhook_id: str) -> str:
    return f"{_PATH}/{path_segment(webhook_id, what='webhook id')}"
