"""The governor against a real Redis: the limit is kept, used well, shared, and survives the loss of Redis."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cobalt import Governor, RateLimited
from workers.embedded import EmbeddedRedis
from workers.governor import LocalGovernor, RedisGovernor
from workers.settings import Settings

RATE = 100.0
CAPACITY = 5.0


def _settings(url: str, **options: Any) -> Settings:
    return Settings(redis_url=url, cobalt_rate_per_second=RATE, cobalt_burst=int(CAPACITY), **options)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


def _reserve_all(governor: Governor) -> None:
    for _ in range(1000):
        governor.acquire()


def _most_over(moments: list[float]) -> float:
    """By how many calls these moments would overdraw Cobalt's token bucket at worst; 0 or less: never."""
    tokens, last, worst = CAPACITY, moments[0], -CAPACITY
    for moment in sorted(moments):
        tokens = min(CAPACITY, tokens + (moment - last) * RATE) - 1
        worst, last = max(worst, -tokens), moment
    return worst


def test_threads_with_a_backlog_never_exceed_the_limit(redis_url: str) -> None:
    moments: list[float] = []
    ends = time.monotonic() + 3

    def call_on_and_on() -> None:
        with redis.Redis.from_url(redis_url) as own:
            governor = RedisGovernor(own, _settings(redis_url))
            while time.monotonic() < ends:
                governor.acquire()
                moments.append(time.monotonic())

    threads = [threading.Thread(target=call_on_and_on) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert _most_over(moments) <= 0
    assert len(moments) > RATE  # and nobody is stuck; how well the limit is used is for the benchmark to say


def test_nothing_is_reserved_further_ahead_than_anybody_waits(client: redis.Redis, redis_url: str) -> None:
    waited: list[float] = []
    governor = RedisGovernor(client, _settings(redis_url), sleep=waited.append)
    with pytest.raises(RateLimited) as refused:
        _reserve_all(governor)

    assert 2 * RATE * 0.9 < len(waited) < 2 * RATE * 1.2
    assert max(waited) <= 2.0
    assert 0.5 < (refused.value.retry_after_seconds or 0) < 3


def test_a_429_makes_everybody_pause_for_as_long_as_it_says(client: redis.Redis, redis_url: str) -> None:
    waited: list[float] = []
    RedisGovernor(client, _settings(redis_url)).throttled(1.5)
    RedisGovernor(client, _settings(redis_url), sleep=waited.append).acquire()

    assert 1.3 < waited[0] <= 1.5


def test_a_longer_pause_sends_callers_away_instead_of_parking_them(client: redis.Redis, redis_url: str) -> None:
    governor = RedisGovernor(client, _settings(redis_url))
    governor.throttled(60)
    with pytest.raises(RateLimited) as refused:
        governor.acquire()

    assert (refused.value.retry_after_seconds or 0) > 50


def test_pauses_grow_when_cobalt_does_not_say_how_long(client: redis.Redis, redis_url: str) -> None:
    governor = RedisGovernor(client, _settings(redis_url, redis_namespace="growing"))
    pauses = []
    for _ in range(6):
        governor.throttled(None)
        pauses.append(int(str(client.pttl("growing:pause"))))

    assert pauses[0] <= 1_000
    assert pauses[5] > 4 * pauses[0]


def test_without_redis_a_process_keeps_to_its_share(tmp_path: Path) -> None:
    waited: list[float] = []
    with EmbeddedRedis(tmp_path) as server:
        own = redis.Redis.from_url(server.url, socket_timeout=1)
        governor = RedisGovernor(
            own, _settings(server.url, worker_processes=4), sleep=waited.append, monotonic=lambda: 0.0
        )
        governor.acquire()
        server.kill()
        waited.clear()
        for _ in range(10):
            governor.acquire()
        own.close()

    assert max(waited) == pytest.approx(9 * 4 / (RATE * 0.97))


def test_the_local_share_is_spaced_evenly_and_sends_away_beyond_two_seconds() -> None:
    waited: list[float] = []
    governor = LocalGovernor(_settings("redis://unused"), sleep=waited.append, monotonic=lambda: 0.0)
    with pytest.raises(RateLimited):
        _reserve_all(governor)

    assert len(waited) == pytest.approx(2 * RATE * 0.97 / 2, rel=0.05)  # two processes by default


def test_after_a_flush_there_is_one_more_burst_and_no_more(client: redis.Redis, redis_url: str) -> None:
    governor = RedisGovernor(client, _settings(redis_url))
    moments = []
    for number in range(60):
        governor.acquire()
        moments.append(time.monotonic())
        if number == 30:
            client.flushall()

    assert _most_over(moments) <= CAPACITY
