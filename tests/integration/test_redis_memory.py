"""A Redis that is out of memory is one line in the log of a worker, however many commands it refuses."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.logs import FIRST_SILENCE_SECONDS
from tests.commands import Shell
from tests.waiting import wait_until
from tests.world import TEST_KEY, World

#: Commands that Redis refuses before lines are counted: many more than there may be lines.
REFUSED = 15
#: What a worker may tell of: that it cannot fetch messages, that it cannot send one, and its heartbeat's trouble.
KINDS = 3


@pytest.fixture
def full(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that takes no writes, and keeps what it has."""
    with EmbeddedRedis(tmp_path / "redis") as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", 1)
        yield server


def refused(server: EmbeddedRedis) -> int:
    """Return how many commands were refused because memory is full."""
    with redis.Redis.from_url(server.url) as client:
        return int(client.info("errorstats").get("errorstat_OOM", {}).get("count", 0))


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_it_is_a_line_and_not_one_for_each_command(world: World, full: EmbeddedRedis, tmp_path: Path) -> None:
    world.publish(*(UserSignedUp(f"account {number}", name="A", udf={}) for number in range(20)))
    lines: list[str] = []
    with SandboxServer(Sandbox(rate_limited=False)) as sandbox:
        variables = {
            "DATABASE_URL": world.database_url,
            "REDIS_URL": full.url,
            "MIRROR_SECRET_KEYS": TEST_KEY,
            "COBALT_API_KEY": "tk_sandbox",
            "COBALT_BASE_URL": sandbox.url,
            "NO_PROXY": "127.0.0.1",
            "WORKER_PROCESSES": "1",
        }
        began = time.monotonic()
        with Shell(tmp_path, variables).start("worker") as process:
            assert process.stdout is not None
            reader = threading.Thread(target=lines.extend, args=(process.stdout,))
            reader.start()
            wait_until(lambda: refused(full) >= REFUSED, timeout_seconds=120)
            process.terminate()
            reader.join(60)
        silences = 1 + (time.monotonic() - began) // FIRST_SILENCE_SECONDS

    told = [line for line in lines if "OOM" in line or "maxmemory" in line]
    assert 1 <= len(told) <= KINDS * silences < REFUSED, told
    assert not [line for line in lines if "Traceback" in line]
