"""The governor counts its slots in Redis, by lane, and forgets them after a while."""

import pytest
import redis

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.workers.governor import Lane, RedisGovernor
from cobalt_mirror.workers.limit_use import prefix_of, read_time, read_use
from cobalt_mirror.workers.settings import Settings

RATE = 100.0


def slots_until_refused(governor: RedisGovernor) -> int:
    """What is refused is no slot."""
    for number in range(1_000):
        try:
            governor.acquire()
        except RateLimited:
            return number
    raise AssertionError("nothing is ever refused")


def test_each_slot_counts_once_in_its_lane_when_its_ten_seconds_are_over(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url, redis_namespace="counted", cobalt_rate_per_second=RATE)
    with redis.Redis.from_url(redis_url) as client:
        waits: dict[Lane, list[float]] = {lane: [] for lane in Lane}
        governors = {lane: RedisGovernor(client, settings, lane=lane, sleep=waits[lane].append) for lane in Lane}
        began = read_time(client)
        for lane, calls in ((Lane.BULK, 7), (Lane.LIVE, 30)):
            for _ in range(calls):
                governors[lane].acquire()
        more = slots_until_refused(governors[Lane.BULK])
        ended = read_time(client)

        assert read_use(client, settings, began - 1) == {}
        # The last slots begin up to three seconds after they were asked for, so at most in the step after the next.
        use = read_use(client, settings, ended + 20)
        kept = [int(str(client.ttl(key))) for key in client.scan_iter(f"{prefix_of(settings)}*")]

    assert use.keys() == set(Lane)
    for lane, slots in ((Lane.LIVE, 30), (Lane.BULK, 7 + more)):
        assert use[lane].share == pytest.approx(slots / (60 * RATE))
        assert use[lane].wait_seconds == pytest.approx(sum(waits[lane]) / slots, abs=1e-5) != 0
    assert kept
    assert all(0 < seconds <= 80 for seconds in kept)
