"""`POST /webhooks/cobalt` under a steady load: `python -m benchmarks.webhook [SECONDS]`."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator

import httpx

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import (
    POSTGRESQL,
    SQLITE,
    Fleet,
    Plan,
    Say,
    database_server,
    fleet,
    machine_load,
    percentile,
    say_to_stderr,
    show,
)
from cobalt.signatures import sign
from events import UserSignedUp

RATE = 100
SECONDS = 30.0
_ACCOUNTS = 100
_WARM_UP = 100
_SLUGS = ("slack", "hubspot", "notion", "jira")


def notifications(
    say: Say, *, seconds: float = SECONDS, databases: Iterable[str] = (POSTGRESQL, SQLITE)
) -> Iterator[Figure]:
    """How long the door takes at a hundred a second, while workers read at Cobalt what it is told about.

    The load keeps to its schedule whether answers come or not; a notification's time runs from when it was due to be
    sent, so that nobody waits unseen behind a slow one.
    """
    for database in databases:
        say(f"POST /webhooks/cobalt at {RATE} a second on {database}, {seconds:g} s")
        plan = Plan(names=("worker", "relay", "web"))
        with database_server(database) as server, fleet(server, plan) as running:
            url = running.wait_for_line("the doors are open at").split("open at ")[1].split(";")[0]
            running.publish(UserSignedUp(_account(number)) for number in range(_ACCOUNTS))
            running.wait_until_done()
            took = asyncio.run(_load(running, f"{url}/webhooks/cobalt", int(RATE * seconds)))
        yield _figure(took, database)


def _figure(took: list[float], database: str) -> Figure:
    slow = percentile(took, 0.99)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return Figure(
        name=f"POST /webhooks/cobalt at {RATE} a second, p99",
        database=database,
        value=round(slow, 1),
        unit="ms",
        detail={"requests": len(took)}
        | {name: round(percentile(took, share), 1) for name, share in shares.items()}
        | {"load": machine_load()},
        **at_most(100, slow, database),
    )


async def _load(running: Fleet, url: str, count: int) -> list[float]:
    key = running.settings.require_key()
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=50)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30) as client:
        began = time.monotonic() + 0.1
        sent = [_send(client, url, _body(number), key, began + number / RATE) for number in range(count + _WARM_UP)]
        took = await asyncio.gather(*sent)
    return took[_WARM_UP:]


async def _send(client: httpx.AsyncClient, url: str, body: bytes, key: str, due_at: float) -> float:
    """Send one when it is due; how long it took from then, in milliseconds."""
    headers = {"content-type": "application/json", "x-cobalt-signature": sign(body, key)}
    await asyncio.sleep(due_at - time.monotonic())
    answer = await client.post(url, content=body, headers=headers)
    answer.raise_for_status()
    return (time.monotonic() - due_at) * 1_000


def _body(number: int) -> bytes:
    """Three of four are about connections, the rest about workflows."""
    common = {"linked_account_id": _account(number), "org_id": "org_sandbox", "environment": "test"}
    if number % 4 == 3:
        workflow = {"workflow_id": "wf-1", "workflow_name": "Sync", "config_id": _account(number)}
        ended = {"event": "Workflow Completed", "instance_id": f"instance-{number}", "status": "COMPLETED"}
        return json.dumps({**common, **workflow, **ended}).encode()
    event = ("Connection Created", "Connection Expired", "Connection Deleted")[number % 3]
    told = {"type": "General", "event": event, "slug": _SLUGS[number // _ACCOUNTS % len(_SLUGS)]}
    return json.dumps({**common, **told, "createdAt": "Tue, 07 Nov 2023 08:03:27 GMT"}).encode()


def _account(number: int) -> str:
    return f"webhook-{number % _ACCOUNTS:03}"


def main() -> None:
    """Measure and print."""
    show(notifications(say_to_stderr, seconds=float(sys.argv[1]) if sys.argv[1:] else SECONDS))


if __name__ == "__main__":
    main()
