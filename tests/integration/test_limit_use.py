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
        governors = {lane: RedisGovernor(client, settings, lane=lane, sleep=lambda _: None) for lane in Lane}
        began = read_time(client)
        for lane, calls in ((Lane.BULK, 7), (Lane.LIVE, 30)):
            for _ in range(calls):
                governors[lane].acquire()
        more = slots_until_refused(governors[Lane.BULK])
        ended = read_time(client)

        assert sum(read_use(client, settings, began - 1).values()) == 0
        # The last slots begin up to three seconds after they were asked for, so at most in the step after the next.
        use = read_use(client, settings, ended + 20)
        kept = [int(str(client.ttl(key))) for key in client.scan_iter(f"{prefix_of(settings)}*")]

    assert use == {"live": pytest.approx(30 / (60 * RATE)), "bulk": pytest.approx((7 + more) / (60 * RATE))}
    assert kept
    assert all(0 < seconds <= 80 for seconds in kept)
