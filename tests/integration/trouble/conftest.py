"""An installation that runs, and in which nothing is wrong yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from cobalt_mirror.workers.local.redis import EmbeddedRedis
from tests.commands import Shell
from tests.database_pool import DatabasePool
from tests.integration.trouble.installation import Installation, running


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis server that these tests may harm."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, database_pool: DatabasePool, own_redis: EmbeddedRedis) -> Iterator[Installation]:
    """An installation on PostgreSQL, of this test's own."""
    with redis.Redis.from_url(own_redis.url) as client:
        client.flushall()
    with (
        capture_logs(),  # those of `web` would be in the output of a command that runs in this process
        database_pool.database() as url,
        running(url, own_redis, Shell(tmp_path, {})) as installation,
    ):
        yield installation
