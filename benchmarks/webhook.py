"""`POST /webhooks/cobalt` under a steady load: `python -m benchmarks.webhook [SECONDS]`."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator
from urllib.parse import SplitResult, urlsplit

from benchmarks.figures import Figure, at_most
from benchmarks.fleet import Fleet, Plan, database_server, fleet, machine_load, percentile, say_to_stderr, show
from benchmarks.place import POSTGRESQL, SQLITE, Say
from cobalt_mirror.cobalt.signatures import sign
from cobalt_mirror.events import UserSignedUp

RATE = 100
SECONDS = 30.0
_ACCOUNTS = 100
_WARM_UP = 100
_CONNECTIONS = 50
_SLUGS = ("slack", "hubspot", "notion", "jira")


def notifications(
    say: Say, *, seconds: float = SECONDS, databases: Iterable[str] = (POSTGRESQL, SQLITE)
) -> Iterator[Figure]:
    """Measure the latency of the endpoint at a hundred requests a second, while workers read from Cobalt.

    The load keeps to its schedule whether answers come or not; a notification's time runs from when it was due to be
    sent, so that the wait behind a slow one counts, too.
    """
    for database in databases:
        say(f"POST /webhooks/cobalt at {RATE} a second on {database}, {seconds:g} s")
        plan = Plan(names=("worker", "relay", "web"))
        with database_server(database) as server, fleet(server, plan) as running:
            url = running.wait_for_line("web listens at").split("listens at ")[1].split(";")[0]
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
    """Send on schedule, over as many connections as are needed, and return the latencies in milliseconds."""
    address, key = urlsplit(url), running.settings.require_key()
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    took: list[float] = []
    connections = [asyncio.create_task(_connection(address, due, took)) for _ in range(_CONNECTIONS)]
    began = time.monotonic() + 0.1
    for number in range(count + _WARM_UP):
        due_at = began + number / RATE
        request = _request(address, _body(number), key)
        await asyncio.sleep(due_at - time.monotonic())
        due.put_nowait((due_at, request))
    while len(took) < count + _WARM_UP:
        for connection in connections:
            if connection.done():
                connection.result()
        await asyncio.sleep(0.05)
    for connection in connections:
        connection.cancel()
    return took[_WARM_UP:]


async def _connection(address: SplitResult, due: asyncio.Queue[tuple[float, bytes]], took: list[float]) -> None:
    """Send due requests over one connection, one by one. A client library would cost more than the endpoint."""
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    while True:
        due_at, request = await due.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a notification was answered {head.decode()!r}")
        took.append((time.monotonic() - due_at) * 1_000)


def _request(address: SplitResult, body: bytes, key: str) -> bytes:
    head = (
        f"POST {address.path} HTTP/1.1",
        f"host: {address.netloc}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        f"x-cobalt-signature: {sign(body, key)}",
        "",
        "",
    )
    return "\r\n".join(head).encode() + body


def _body(number: int) -> bytes:
    """Return a notification; three of four are about connections, the rest about workflows."""
    common = {"linked_account_id": _account(number), "org_id": "org_sandbox", "environment": "test"}
    if number % 4 == 3:
        workflow = {"workflow_id": "wf-1", "workflow_name": "Sync", "config_id": _account(number)}
        ended = {"event": "Workflow Completed", "instance_id": f"instance-{number}", "status": "COMPLETED"}
        return json.dumps({**common, **workflow, **ended}).encode()
    event = ("Connection Created", "Connection Expired", "Connection Deleted")[number % 3]
    content = {"type": "General", "event": event, "slug": _SLUGS[number // _ACCOUNTS % len(_SLUGS)]}
    return json.dumps({**common, **content, "createdAt": "Tue, 07 Nov 2023 08:03:27 GMT"}).encode()


def _account(number: int) -> str:
    return f"webhook-{number % _ACCOUNTS:03}"


def main() -> None:
    """Measure and print."""
    show(notifications(say_to_stderr, seconds=float(sys.argv[1]) if sys.argv[1:] else SECONDS))


if __name__ == "__main__":
    main()
