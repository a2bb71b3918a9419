"""The lane of the governor that reconciliation takes, against a real Redis."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
import redis

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.workers.governor import (
    BULK_AHEAD_SECONDS,
    BULK_PATIENCE_SECONDS,
    BULK_SHARE,
    SHARE,
    Lane,
    RedisGovernor,
)
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings

RATE = 100.0
INTERVAL = 1 / (RATE * SHARE)


class Waits:
    """A governor whose callers wait in no time, and what each of them would have waited, in seconds."""

    def __init__(self, client: redis.Redis, lane: Lane) -> None:
        self.waits: list[float] = []
        settings = Settings(redis_url="redis://unused", cobalt_rate_per_second=RATE)
        self._governor = RedisGovernor(client, settings, lane=lane, sleep=self.waits.append)

    def acquire(self) -> float:
        """What one caller waits."""
        before = len(self.waits)
        self._governor.acquire()
        return self.waits[-1] if len(self.waits) > before else 0.0


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@pytest.fixture
def live(client: redis.Redis) -> Waits:
    return Waits(client, Lane.LIVE)


@pytest.fixture
def bulk(client: redis.Redis) -> Waits:
    return Waits(client, Lane.BULK)


def acquire_until_refused(lane: Waits) -> None:
    """Take every slot that this lane may have."""
    with suppress(RateLimited):
        while True:
            lane.acquire()


def test_alone_bulk_work_gets_the_whole_limit_as_far_as_it_need_not_queue(bulk: Waits, client: redis.Redis) -> None:
    for _ in range(9):
        bulk.acquire()

    assert client.exists("cobalt-mirror:governor:bulk") == 0  # its own share was not touched
    assert max(bulk.waits) <= BULK_PATIENCE_SECONDS


def test_behind_a_queue_of_live_work_it_gets_its_share(live: Waits, bulk: Waits) -> None:
    while live.acquire() < 0.3:
        pass
    waits = [bulk.acquire() for _ in range(15)]

    assert waits[0] >= 0.25
    for earlier, later in pairwise(waits[8:]):
        assert later - earlier == pytest.approx(INTERVAL / BULK_SHARE, abs=0.05)


def test_live_work_does_not_wait_behind_more_than_a_tenth_of_a_second_of_bulk_work(live: Waits, bulk: Waits) -> None:
    for _ in range(12):
        bulk.acquire()

    assert live.acquire() <= BULK_PATIENCE_SECONDS + 4 * INTERVAL


def test_bulk_work_gets_through_although_live_work_takes_every_slot(live: Waits, bulk: Waits) -> None:
    acquire_until_refused(live)
    waited = bulk.acquire()

    assert LONGEST_WAIT_SECONDS - 0.5 < waited <= LONGEST_WAIT_SECONDS + BULK_AHEAD_SECONDS


def test_bulk_work_beyond_its_share_is_sent_away_and_nothing_is_reserved_for_it(
    live: Waits, bulk: Waits, client: redis.Redis
) -> None:
    acquire_until_refused(live)
    is_refused = False
    while not is_refused:  # a slot that became free meanwhile may still be had
        before = client.mget("cobalt-mirror:governor", "cobalt-mirror:governor:bulk")
        try:
            bulk.acquire()
        except RateLimited:
            is_refused = True

    assert client.mget("cobalt-mirror:governor", "cobalt-mirror:governor:bulk") == before
    assert len(bulk.waits) >= 1


def test_while_bulk_work_has_its_share_live_work_leaves_room_for_it(
    live: Waits, bulk: Waits, client: redis.Redis
) -> None:
    while live.acquire() < 1.0:
        pass
    bulk.acquire()
    before = int(client.get("cobalt-mirror:governor") or 0)
    for _ in range(15):
        live.acquire()
    spacing = (int(client.get("cobalt-mirror:governor") or 0) - before) / 15

    assert spacing == pytest.approx(1_000_000 * INTERVAL / (1 - BULK_SHARE), rel=0.01)


def test_bulk_work_takes_no_burst(bulk: Waits) -> None:
    began = time.monotonic()
    for _ in range(6):
        bulk.acquire()
    took = time.monotonic() - began

    assert bulk.waits[-1] >= 5 * INTERVAL - took - 0.001


def test_a_live_call_beside_bulk_work_finds_a_slot_at_once(live: Waits, bulk: Waits) -> None:
    bulk.acquire()
    bulk.acquire()

    assert live.acquire() == 0.0


def test_a_pause_after_a_429_holds_bulk_work_too(client: redis.Redis) -> None:
    bulk = Waits(client, Lane.BULK)
    RedisGovernor(client, Settings(redis_url="redis://unused")).throttled(1.5)

    assert 1.3 < bulk.acquire() <= 1.6


def test_a_caller_in_the_bulk_lane_gets_a_tenth_beside_two_seconds_of_queueing_threads(client: redis.Redis) -> None:
    settings = Settings(redis_url="redis://unused", cobalt_rate_per_second=20)
    moments: dict[Lane, list[float]] = {lane: [] for lane in Lane}
    began = time.monotonic()

    def call_on_and_on(lane: Lane) -> None:
        governor = RedisGovernor(client, settings, lane=lane)
        while time.monotonic() - began < 8:
            with suppress(RateLimited):
                governor.acquire()
                moments[lane].append(time.monotonic() - began)

    threads = [threading.Thread(target=call_on_and_on, args=(Lane.LIVE,)) for _ in range(32)]
    threads.append(threading.Thread(target=call_on_and_on, args=(Lane.BULK,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(3 < moment < 8 for moment in moments[Lane.BULK]) >= 0.1 * 20 * 5
    together = sorted(moments[Lane.LIVE] + moments[Lane.BULK])
    assert all(later - earlier > 95 / 20 for earlier, later in zip(together, together[100:], strict=False))
