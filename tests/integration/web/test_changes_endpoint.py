"""The change feed over HTTP: entries after a position, at once or when the next change comes."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import delete

from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.db.tables import changes
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.web.changes_endpoint import MOST_WAITING
from tests.integration.web.endpoints import EVENTS_TOKEN, Endpoints
from tests.world import World

BEARER = {"authorization": f"Bearer {EVENTS_TOKEN}"}


def sign_up(world: World, *accounts: str) -> None:
    world.publish(*(UserSignedUp(account) for account in accounts))
    world.work_until_quiet()


def get(endpoints: Endpoints, query: str = "", **headers: str) -> httpx.Response:
    return endpoints.request("GET", f"/changes{query}", headers=headers or BEARER)


def test_entries_come_in_order_with_the_position_to_go_on_from(endpoints: Endpoints) -> None:
    sign_up(endpoints.world, "acme", "bolt", "cato")

    first = get(endpoints, "?limit=2").json()
    assert [(each["position"], each["type"], each["linked_account_id"]) for each in first["changes"]] == [
        (1, "account.created", "acme"),
        (2, "account.created", "bolt"),
    ]
    assert first["after"] == 2
    assert first["changes"][0].keys() == {column.name for column in changes.c} - {"number"}
    assert first["changes"][0]["data"] == {"from": None, "to": "active"}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(first["changes"][0]["recorded_at"])).days == 0
    second = get(endpoints, "?after=2").json()
    assert [each["linked_account_id"] for each in second["changes"]] == ["cato"]
    assert get(endpoints, "?after=3").json() == {"changes": [], "after": 3}


def test_it_requires_the_token_of_the_host_and_right_parameters(endpoints: Endpoints) -> None:
    assert get(endpoints, authorization="Bearer another").status_code == 401
    refused = get(endpoints, "?limit=0")
    assert refused.status_code == 400
    assert refused.json() == {"error": "limit: must be a whole number from 1 to 1000, not '0'"}


def test_who_missed_what_was_pruned_is_told(endpoints: Endpoints) -> None:
    sign_up(endpoints.world, "acme", "bolt", "cato")
    number_changes(endpoints.world.engine)
    with endpoints.world.engine.begin() as connection:
        connection.execute(delete(changes).where(changes.c.position <= 2))

    answer = get(endpoints, "?after=1")
    assert (answer.status_code, answer.json()["resume_after"]) == (410, 2)
    assert "go on with after=2" in answer.json()["error"]
    assert get(endpoints, "?after=2").json()["after"] == 3


def test_a_request_that_waits_is_answered_at_the_next_change_and_holds_no_connection(endpoints: Endpoints) -> None:
    world = endpoints.world

    async def waiting() -> tuple[httpx.Response, int]:
        transport = httpx.ASGITransport(endpoints.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mirror.test") as client:
            request = asyncio.create_task(client.get("/changes?after=0&wait=30", headers=BEARER))
            while not endpoints.waiting("/changes"):
                await asyncio.sleep(0.01)
            held = world.engine.pool.checkedout()  # type: ignore[attr-defined] # a pool with a count
            await asyncio.to_thread(sign_up, world, "acme")
            return await request, held

    answer, held = asyncio.run(waiting())
    assert [each["type"] for each in answer.json()["changes"]] == ["account.created"]
    assert held == 0
    assert endpoints.waiting("/changes") == 0


def test_only_so_many_wait_and_a_client_that_goes_away_frees_its_place(endpoints: Endpoints) -> None:
    async def go_away() -> list[int]:
        """Begin as many requests as may wait, refuse one more, let all clients go away, and return all statuses."""
        gone = asyncio.Event()
        requests = [asyncio.create_task(call(endpoints, gone)) for _ in range(MOST_WAITING)]
        while endpoints.waiting("/changes") < MOST_WAITING:
            await asyncio.sleep(0.01)
        refused = await call(endpoints, gone)
        gone.set()
        return [refused, *await asyncio.gather(*requests)]

    statuses = asyncio.run(asyncio.wait_for(go_away(), 20))
    assert statuses == [503, *[200] * MOST_WAITING]
    assert endpoints.waiting("/changes") == 0


def test_none_waits_once_the_server_stops(endpoints: Endpoints) -> None:
    endpoints.app.state.stopping.set()

    assert asyncio.run(asyncio.wait_for(call(endpoints, asyncio.Event()), 20)) == 200


async def call(endpoints: Endpoints, gone: asyncio.Event) -> int:
    """Ask as a server does for a client that waits, and goes away when `gone` is set; return the status."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", BEARER["authorization"].encode())]
    scope = {"type": "http", "method": "GET", "path": "/changes", "query_string": b"after=0&wait=30"}
    await endpoints.app({**scope, "headers": headers}, receive, send)
    status: int = sent[0]["status"]
    return status
