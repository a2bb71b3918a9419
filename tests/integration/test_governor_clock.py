"""The governor when Redis's clock is set back: nothing waits for as long as it was."""

from collections.abc import Iterator

import pytest
import redis

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.workers.governor import Lane, RedisGovernor
from cobalt_mirror.workers.settings import Settings


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return Settings(redis_url=redis_url, cobalt_rate_per_second=100, cobalt_burst=5)


def now(client: redis.Redis) -> int:
    """Return Redis's time, in microseconds."""
    seconds, microseconds = client.time()
    return int(seconds * 1_000_000 + microseconds)


@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("key", ["governor", "governor:bulk", "pause"])
def test_calls_go_on_although_redis_s_clock_was_set_back(
    client: redis.Redis, settings: Settings, key: str, lane: Lane
) -> None:
    """What was written an hour ahead, as by the clock before, stands for what a clock leaves that is set back."""
    name = f"{settings.redis_namespace}:{key}"
    client.set(name, now(client) + 3_600_000_000, px=3_601_000)
    waited: list[float] = []
    governor = RedisGovernor(client, settings, lane=lane, sleep=waited.append)

    for _ in range(20):
        governor.acquire()

    assert max(waited, default=0) <= 2.5
    assert float(client.get(f"{settings.redis_namespace}:governor") or 0) < now(client) + 10_000_000


def test_a_429_begins_a_pause_of_its_own_after_the_clock_was_set_back(client: redis.Redis, settings: Settings) -> None:
    client.set(f"{settings.redis_namespace}:pause", 1, px=3_601_000)
    governor = RedisGovernor(client, settings, sleep=lambda _: None)

    governor.throttled(None)

    assert 0 < client.pttl(f"{settings.redis_namespace}:pause") <= 1_000
    assert governor._local.wait_seconds() <= 1


def test_a_pause_as_long_as_cobalt_may_ask_for_counts(client: redis.Redis, settings: Settings) -> None:
    governor = RedisGovernor(client, settings)
    governor.throttled(100_000)
    with pytest.raises(RateLimited) as refused:
        governor.acquire()

    assert 890 < (refused.value.retry_after_seconds or 0) < 910
