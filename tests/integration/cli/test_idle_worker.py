"""A worker that has nothing to do asks Redis for little."""

import time

import redis

from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.doorbell import POLL_SECONDS
from cobalt_mirror.workers.queues import CATALOGUE, CHECKS
from tests.commands import Shell, read_until
from tests.waiting import wait_until

#: How often each queue is polled while the time is taken.
POLLS = 4
QUEUES = [*EventType, CHECKS, CATALOGUE]


def calls(client: redis.Redis, *commands: str) -> int:
    """Return how often Redis has carried out these commands."""
    counted = client.info("commandstats")
    return sum(counted.get(f"cmdstat_{command}", {"calls": 0})["calls"] for command in commands)


def test_an_idle_worker_polls_each_queue_about_once_a_second(mirror: Shell, redis_url: str) -> None:
    """It took a tenth of a second before. A slow machine only makes it longer, and twice as often would still do."""
    settings = {"REDIS_URL": redis_url, "COBALT_API_KEY": "tk_sandbox", "WORKER_PROCESSES": "1"}
    with SandboxServer() as cobalt, redis.Redis.from_url(redis_url) as client:
        client.config_resetstat()
        with mirror.start("worker", COBALT_BASE_URL=cobalt.url, **settings) as worker:
            read_until(worker, "ready for action")
            wait_until(
                lambda: calls(client, "xread") >= 3, timeout_seconds=60
            )  # from the first on, the stream is heard
            began, before = time.monotonic(), calls(client, "evalsha", "eval")
            wait_until(lambda: calls(client, "evalsha", "eval") >= before + POLLS * len(QUEUES), timeout_seconds=120)
            took = time.monotonic() - began
            worker.terminate()
            worker.communicate(timeout=40)

    assert took > POLLS * POLL_SECONDS / 2
