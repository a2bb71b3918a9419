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

#: Every event that Cobalt can be asked to tell.
EVENT_NAMES = (
    "Connection Created",
    "Connection Deleted",
    "Connection Expired",
    "Workflow Completed",
    "Workflow Errored",
)


class Webhooks(Organisation):
    """The webhooks of the key's environment; an unknown id is `Refused` with status 404."""

    def fetch_webhooks(self) -> list[Webhook]:
        """Return all webhooks.

        Raises:
            CobaltError: See `Client`.
        """
        return self._with_key(Call(method="GET", path=_PATH), _WEBHOOKS)

    def create_webhook(self, url: str, events: Sequence[str]) -> Webhook:
        """Have Cobalt notify `url` of these events, such as `Connection Created`. Twice makes two webhooks.

        Raises:
            Refused: Cobalt does not take the address or an event. Stop.
            CobaltError: See `Client`.
        """
        body = {"webhook_url": url, "webhook_events": list(events), "webhook_type": "default"}
        return self._with_key(Call(method="POST", path=_PATH, body=body, writes=True), _WEBHOOK)

    def update_webhook(self, webhook_id: str, **changes: Any) -> Webhook:
        """Change what is named, such as `is_enabled`, `webhook_url` or `webhook_events`; the rest stays.

        Raises:
            Refused: Cobalt does not take a value, or (404) does not know the webhook. Stop.
            CobaltError: See `Client`.
        """
        return self._with_key(Call(method="PUT", path=_path(webhook_id), body=changes, writes=True), _WEBHOOK)

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete the webhook.

        Raises:
            Refused: (404) There is none: what was wanted is so.
            CobaltError: See `Client`.
        """
        self._with_key(Call(method="DELETE", path=_path(webhook_id), writes=True), ANYTHING)


def _path(webhook_id: str) -> str:
    return f"{_PATH}/{path_segment(webhook_id, what='webhook id')}"
