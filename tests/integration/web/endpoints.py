"""Requests to the web application in tests."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

from cobalt_mirror.cobalt import sign
from cobalt_mirror.cobalt.sandbox.state import Notification
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from tests.asgi import ask
from tests.integration.web.judge import judge
from tests.world import World

EVENTS_TOKEN = "a-token-of-the-host"
PREVIOUS_KEY = "tk_the_key_before"
URL = "https://mirror.test/webhooks/cobalt"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The web application, and the world behind it."""

    world: World
    app: Starlette

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, and have our description judge the answer.

        An error that the application does not catch is answered as a server would.
        """

        answer = ask(self.app, path, method=method, raises=False, **options)
        judge(self.app, answer)
        return answer

    def waiting(self, path: str) -> int:
        """Return how many requests wait at an operation at this moment."""
        (endpoint,) = [each.endpoint.__self__ for each in self.app.state.operations if each.path == path]
        taken: int = endpoint.places.taken
        return taken

    def notify(
        self, body: Any, *, key: str = "tk_sandbox", path: str = "/webhooks/cobalt", **headers: str
    ) -> httpx.Response:
        """Post a signed notification; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, content=raw, headers={"x-cobalt-signature": sign(raw, key), **headers})

    def post_events(
        self, body: Any, *, token: str | None = EVENTS_TOKEN, kind: str = "cloudevents+json"
    ) -> httpx.Response:
        """Post CloudEvents; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": f"application/{kind}"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self.request("POST", "/events", content=raw, headers=headers)

    def subscribe(self) -> None:
        """Register the webhook at the sandbox, for all events."""
        self.world.client.create_webhook(URL, EVENT_NAMES)

    def sent(self) -> list[Notification]:
        """Return the notifications that the sandbox has to send, due or not."""
        return self.world.sandbox.take_notifications(all_of_them=True)

    def deliver(self, notifications: Iterable[Notification]) -> None:
        """Post the notifications to the webhook endpoint, unchanged."""
        for each in notifications:
            answer = self.request(each.method, "/webhooks/cobalt", content=each.body, headers=each.headers)
            assert answer.status_code == 200, answer.text


def connection_notification(
    event: str = "Connection Created", account: str = "acme", slug: str = "slack"
) -> dict[str, str]:
    """Return a notification about a connection, as Cobalt writes it."""
    return {
        "linked_account_id": account,
        "org_id": "org_1",
        "environment": "test",
        "type": "General",
        "event": event,
        "slug": slug,
        "createdAt": "Tue, 07 Nov 2023 08:03:27 GMT",
    }


def workflow_notification(event: str = "Workflow Completed", *, instance: str = "i1", **more: Any) -> dict[str, Any]:
    """Return a notification about a run of a workflow, as Cobalt writes it."""
    return {
        "linked_account_id": "acme",
        "instance_id": instance,
        "workflow_id": "w1",
        "config_id": "acme",
        "event": event,
        "workflow_name": "Send alerts",
        "status": event.removeprefix("Workflow ").upper().replace(" ", "_"),
        **more,
    }
