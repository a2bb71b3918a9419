"""What tests do at the doors of the web application."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette

from cobalt_mirror.cobalt import sign
from cobalt_mirror.cobalt.sandbox.state import Notification
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from tests.world import World

EVENTS_TOKEN = "a-token-of-the-host"
PREVIOUS_KEY = "tk_the_key_before"
URL = "https://mirror.test/webhooks/cobalt"


@dataclass(frozen=True, slots=True)
class Doors:
    """The application's doors, and the world behind them."""

    world: World
    app: Starlette

    def request(self, method: str, path: str, **told: Any) -> httpx.Response:
        """One request; an error that the application does not catch is answered as a server would."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
                return await client.request(method, path, **told)

        return asyncio.run(send())

    def tell(self, body: Any, *, key: str = "tk_sandbox", **headers: str) -> httpx.Response:
        """Post a signed notification; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request(
            "POST", "/webhooks/cobalt", content=raw, headers={"x-cobalt-signature": sign(raw, key), **headers}
        )

    def hand_over(
        self, body: Any, *, token: str | None = EVENTS_TOKEN, kind: str = "cloudevents+json"
    ) -> httpx.Response:
        """Post CloudEvents; bytes go as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": f"application/{kind}"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return self.request("POST", "/events", content=raw, headers=headers)

    def subscribe(self) -> None:
        """Have the sandbox notify us of everything."""
        self.world.client.create_webhook(URL, EVENT_NAMES)

    def sent(self) -> list[Notification]:
        """What the sandbox wants delivered, due or not."""
        return self.world.sandbox.take_notifications(all_of_them=True)

    def deliver(self, notifications: Iterable[Notification]) -> None:
        """Carry notifications to the door, as they are."""
        for each in notifications:
            answer = self.request(each.method, "/webhooks/cobalt", content=each.body, headers=each.headers)
            assert answer.status_code == 200, answer.text


def connection_told(event: str = "Connection Created", account: str = "acme", slug: str = "slack") -> dict[str, str]:
    """A notification about a connection, as Cobalt writes it."""
    return {
        "linked_account_id": account,
        "org_id": "org_1",
        "environment": "test",
        "type": "General",
        "event": event,
        "slug": slug,
        "createdAt": "Tue, 07 Nov 2023 08:03:27 GMT",
    }


def workflow_told(event: str = "Workflow Completed", *, instance: str = "i1", **more: Any) -> dict[str, Any]:
    """A notification about a run of a workflow, as Cobalt writes it."""
    return {
        "linked_account_id": "acme",
        "instance_id": instance,
        "workflow_id": "w1",
        "config_id": "acme",
        "event": event,
        "workflow_name": "Send alerts",
        "status": "COMPLETED" if event == "Workflow Completed" else "ERRORED",
        **more,
    }
