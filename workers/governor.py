"""One rate governor for the whole organisation, in Redis: a caller reserves a slot and learns when it may go.

Keys of ours in Redis, all under the namespace (default `cobalt-mirror`):
    <namespace>:governor   the time at which the next slot is free, in microseconds of Redis's clock; goes by itself
    <namespace>:governor:bulk  the same time for the share that bulk work gets whatever happens; goes by itself
    <namespace>:pause      set while everybody waits after a 429; goes by itself
dramatiq's queues live under the same namespace.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Literal

import redis
import structlog

from cobalt import RateLimited
from workers.settings import LONGEST_WAIT_SECONDS, Settings

log = structlog.get_logger()

#: How much of Cobalt's limit is used: clocks and the network bunch calls together that were evenly spaced.
SHARE = 0.97
#: Slots of the burst that are kept back for the same reason.
BURST_RESERVE = 2
#: Bulk work may queue behind live work while that has to wait for no longer than this, in seconds, ...
BULK_PATIENCE_SECONDS = 0.1
#: ... and else gets this share of the limit. It may queue a bit further ahead than live work does, so that live work
#: which fills the queue does not keep it out.
BULK_SHARE = 0.1
BULK_AHEAD_SECONDS = 0.5

#: Live work goes first; reconciliation is bulk work.
Lane = Literal["live", "bulk"]

# GCRA: `free_at` is the theoretical arrival time of the next call. A reservation moves it by one interval, and the
# caller goes as soon as the burst allows. Nothing is reserved further ahead than the caller will wait.
# Bulk work (ARGV[4] is above zero) also keeps to a slower GCRA of its own when live work is waiting.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local pause = redis.call('PTTL', KEYS[2])
local earliest = now
if pause > 0 then earliest = now + pause * 1000 end
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), earliest)
local start = math.max(earliest, free_at - burst * interval)
local wait = start - now
local share, short = tonumber(ARGV[4]), tonumber(ARGV[5])
if share > 0 and wait > short then
  local own = math.max(tonumber(redis.call('GET', KEYS[3]) or 0), now)
  wait = math.max(wait, own - now)
  if wait > patience then return {0, wait} end
  redis.call('SET', KEYS[3], string.format('%.0f', own + share), 'PX', math.ceil((own + share - now) / 1000) + 1000)
end
if wait > patience then return {0, wait} end
local life = math.ceil((free_at + interval - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', free_at + interval), 'PX', life)
return {1, wait}
"""


class RedisGovernor:
    """Spaces the calls of every process that shares this Redis. Without Redis, this process keeps to its share.

    Args:
        client: a redis-py client.
        settings: the limit, the burst, the namespace, and how many processes share the limit when Redis is away.
        lane: `live`, or `bulk` for work that lets live work go first and still gets a tenth of the limit.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        *,
        lane: Lane = "live",
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._script = client.register_script(_RESERVE)
        self._client = client
        name = settings.redis_namespace
        self._keys = [f"{name}:governor", f"{name}:pause", f"{name}:governor:bulk"]
        self._interval = 1_000_000 / (settings.cobalt_rate_per_second * SHARE)
        self._burst = max(settings.cobalt_burst - BURST_RESERVE - 1, 0)
        ahead = BULK_AHEAD_SECONDS if lane == "bulk" else 0.0
        share = self._interval / BULK_SHARE if lane == "bulk" else 0
        patience = (LONGEST_WAIT_SECONDS + ahead) * 1_000_000
        self._arguments = [self._interval, self._burst, patience, share, BULK_PATIENCE_SECONDS * 1_000_000]
        self._alone = LocalGovernor(settings, sleep=sleep, monotonic=monotonic)
        self._sleep = sleep
        self._is_away = False
        self._throttled = 0

    def acquire(self) -> None:
        """Wait for a slot, at most `LONGEST_WAIT_SECONDS`; bulk work `BULK_AHEAD_SECONDS` longer.

        Raises:
            RateLimited: no slot is free that soon. Nothing was reserved; come back after `retry_after_seconds`.
        """
        try:
            granted, wait = self._script(self._keys, self._arguments)
        except redis.RedisError as error:
            self._went_away(error)
            self._alone.acquire()
            return
        self._is_away = False
        seconds = int(wait) / 1_000_000
        if not granted:
            raise RateLimited(seconds - LONGEST_WAIT_SECONDS / 2 + random.random())
        if seconds > 0:
            self._sleep(seconds)

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Cobalt answered 429: everybody pauses, for as long as it said, or longer each time when it did not."""
        self._throttled += 1
        seconds = retry_after_seconds
        if seconds is None:
            seconds = random.uniform(0.5, 1.0) * min(2.0 ** min(self._throttled, 6) / 2, 30)
        log.warning("throttled", seconds=round(seconds, 2))
        try:
            self._client.set(self._keys[1], 1, px=max(int(seconds * 1000), 1))
        except redis.RedisError as error:
            self._went_away(error)
        self._alone.throttled(seconds)

    def _went_away(self, error: redis.RedisError) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("governor_without_redis", error=type(error).__name__)


class LocalGovernor:
    """This process's share of the limit, for when Redis is away: evenly spaced, no bursts."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = settings.worker_processes / (settings.cobalt_rate_per_second * SHARE)
        self._sleep, self._monotonic = sleep, monotonic
        self._lock = threading.Lock()
        self._free_at = 0.0

    def acquire(self) -> None:
        """Wait for a slot.

        Raises:
            RateLimited: none is free within `LONGEST_WAIT_SECONDS`.
        """
        with self._lock:
            now = self._monotonic()
            start = max(now, self._free_at)
            if start - now > LONGEST_WAIT_SECONDS:
                raise RateLimited(start - now)
            self._free_at = start + self._interval
        self._sleep(start - now)

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Nobody here goes before the pause is over."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + (retry_after_seconds or 1.0))
