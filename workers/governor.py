"""One rate governor for the whole organisation, in Redis: a caller reserves a slot and waits for it.

Its keys in Redis, all under the namespace (default `cobalt-mirror`) and all with an expiry:
    <namespace>:governor       the time at which the next slot is free, in microseconds of Redis's clock
    <namespace>:governor:bulk  the same time for the share that bulk work gets when live work queues; while the key
        exists, live work leaves room for that share
    <namespace>:pause          set while all callers wait after a 429
    <namespace>:pauses         number of pauses in a row for which Cobalt gave no time
    <namespace>:governor:used:<step>  slots by lane, for ten seconds each: see `limit_use`
dramatiq's queues are under the same namespace.
"""

import random
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import redis
import structlog

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.cobalt.forks import ForkSafeLock
from cobalt_mirror.workers.limit_use import COUNT_SLOT, prefix_of
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings

log = structlog.get_logger()

#: The share of Cobalt's limit that is used: clocks and the network bunch calls together that were evenly spaced.
SHARE = 0.97
#: Slots of the burst that are not used, for the same reason.
BURST_RESERVE = 2
#: Bulk work queues behind live work while the wait is no longer than this, in seconds, ...
BULK_PATIENCE_SECONDS = 0.1
#: ... and otherwise gets this share of the limit beside the queue: a reconciliation makes one call after the other, and
#: behind two seconds of live work each time it would make half a call a second.
BULK_SHARE = 0.125
#: How much further ahead bulk work may queue than live work, so that a full queue of live work does not keep it out.
BULK_AHEAD_SECONDS = 0.5
#: How long live work leaves room after the last slot of bulk work.
BULK_REMEMBERED_SECONDS = 2.0

#: Pauses after a 429 without Retry-After: at most the first, then twice as long each time, up to the longest.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
#: After so long without a 429, the next pause is the first again.
PAUSES_FORGOTTEN_SECONDS = 60.0
#: The longest Retry-After that is obeyed.
LONGEST_RETRY_AFTER_SECONDS = 900.0
#: A caller that waited this long for a slot checks whether a pause has begun meanwhile.
_PAUSE_CHECK_SECONDS = 0.05
#: A caller that wakes up this much too late for its slot reserves another: a process that was suspended would otherwise
#: make the calls of all its threads at once when it goes on.
_LATE_SECONDS = 0.25
OVERSLEPT = -1.0
#: When callers that went on without Redis try it again, in seconds.
REDIS_RETRY_SECONDS = 1.0


class Lane(StrEnum):
    """Which calls go first."""

    #: Work on events: it goes first.
    LIVE = "live"
    #: Reconciliation: it lets live work go first and still gets a share of the limit.
    BULK = "bulk"


# GCRA: `free_at` is the theoretical arrival time of the next call. A reservation moves it by one interval, and the
# caller goes as soon as the burst allows. Nothing is reserved further ahead than the caller will wait.
# Bulk work (ARGV[4] is above zero) takes no burst, so live work finds it unused. When live work queues, bulk work goes
# by a slower GCRA of its own: at first behind all that is reserved already, then beside it, for from then on live work
# is spaced wider by as much. So the two together stay within the limit.
# A time that is further ahead than anybody reserves was written before Redis's clock was set back, and so was a pause
# that is longer than any: neither counts, or all calls would stop for as long as it was set back.
_RESERVE = (
    COUNT_SLOT
    + """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local share, short = tonumber(ARGV[4]), tonumber(ARGV[5])
local pause = redis.call('PTTL', KEYS[2])
if pause > tonumber(ARGV[10]) then
  redis.call('DEL', KEYS[2])
  pause = 0
end
local earliest = now + math.max(pause * 1000, tonumber(ARGV[8]))
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), earliest)
local own = tonumber(redis.call('GET', KEYS[3]) or 0)
local furthest = earliest + tonumber(ARGV[11])
if free_at > furthest then free_at = earliest + tonumber(ARGV[12]) end
if own > furthest then own = 0 end
local wait = math.max(earliest, free_at - burst * interval) - now
if share > 0 and wait > short then
  if own == 0 then own = free_at end
  own = math.max(own, earliest)
  wait = own - now
  if wait > patience then return {0, wait} end
  local life = math.ceil((own + share - now) / 1000 + tonumber(ARGV[6]))
  redis.call('SET', KEYS[3], string.format('%.0f', own + share), 'PX', life)
  count_slot(KEYS[4], ARGV[9], now + wait, wait)
  return {1, wait, math.max(pause, 0)}
end
if wait > patience then return {0, wait} end
if share == 0 and own > 0 then interval = interval * tonumber(ARGV[7]) end
local life = math.ceil((free_at + interval - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', free_at + interval), 'PX', life)
count_slot(KEYS[4], ARGV[9], now + wait, wait)
return {1, wait, math.max(pause, 0)}
"""
)

# A pause is never made shorter. Calls that were under way when it began are refused too: they do not make it longer,
# unless Cobalt says a time.
_PAUSE = """
local left = math.max(redis.call('PTTL', KEYS[1]), 0)
if left > tonumber(ARGV[6]) then left = 0 end
local wanted = tonumber(ARGV[1])
if wanted < 0 then
  if left > 0 then return left end
  local before = redis.call('INCR', KEYS[2]) - 1
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  wanted = math.min(tonumber(ARGV[2]) * 2 ^ before, tonumber(ARGV[3])) * tonumber(ARGV[5])
end
wanted = math.ceil(wanted)
if wanted > left then redis.call('SET', KEYS[1], 1, 'PX', math.max(wanted, 1)) end
return math.max(wanted, left)
"""


class RedisGovernor:
    """Space the calls of all processes that share this Redis. Without Redis, this process keeps to its share.

    Args:
        client: A redis-py client that gives up soon (see `create_governor_redis`): a call must not wait for Redis
            longer than for Cobalt's limit.
        settings: The limit, the burst, the namespace, and the number of processes that share the limit without Redis.
        lane: `live`, or `bulk` for work that yields to live work but gets at least an eighth of the limit.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        *,
        lane: Lane = Lane.LIVE,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reserve = client.register_script(_RESERVE)
        self._pause = client.register_script(_PAUSE)
        self._client = client
        name = settings.redis_namespace
        self._pause_key, self._pauses_key = f"{name}:pause", f"{name}:pauses"
        self._keys = [f"{name}:governor", self._pause_key, f"{name}:governor:bulk", prefix_of(settings)]
        self._lane = str(lane)
        self._interval = 1_000_000 / (settings.cobalt_rate_per_second * SHARE)
        burst = max(settings.cobalt_burst - BURST_RESERVE - 1, 0)
        self._burst = burst if lane is Lane.LIVE else 0
        # Whoever goes on without Redis counts from as late as anybody waits, so the longest wait counts twice.
        ahead = 2 * (LONGEST_WAIT_SECONDS + BULK_AHEAD_SECONDS) * 1_000_000 + self._interval / BULK_SHARE
        self._set_back = [LONGEST_RETRY_AFTER_SECONDS * 1_000, ahead + burst * self._interval, burst * self._interval]
        self._ahead_seconds = BULK_AHEAD_SECONDS if lane is Lane.BULK else 0.0
        self._share = self._interval / BULK_SHARE if lane is Lane.BULK else 0
        self._local = LocalGovernor(settings, sleep=sleep, monotonic=monotonic)
        self._sleep, self._monotonic = sleep, monotonic
        self._is_away = False
        self._retry_at = 0.0

    def acquire(self) -> None:
        """Wait for a slot, at most `LONGEST_WAIT_SECONDS`; bulk work `BULK_AHEAD_SECONDS` longer.

        Raises:
            RateLimited: No slot is free that soon. Try again after `retry_after_seconds`. Nothing was reserved, except
                when a pause, or calls made without Redis, delayed the caller after its reservation.
        """
        patience = LONGEST_WAIT_SECONDS + self._ahead_seconds
        while True:
            waited = self._call_redis(self._wait_for_slot, patience)
            if waited is None:  # Redis does not answer
                return self._local.acquire()
            if waited == OVERSLEPT:
                continue
            if waited < _PAUSE_CHECK_SECONDS:
                return None
            began = self._monotonic()
            is_paused = self._call_redis(self._is_paused)
            if self._monotonic() - began > _LATE_SECONDS:  # Redis hung, and with it all whose slots came meanwhile
                continue
            if not is_paused:
                return None
            patience = max(patience - waited, 0.0)

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Pause all callers after a 429, for as long as Cobalt said; if it said nothing, longer each time."""
        requested = -1.0 if retry_after_seconds is None else min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
        paused_ms = self._call_redis(self._begin_pause, requested)
        seconds = paused_ms / 1_000 if paused_ms is not None else max(requested, FIRST_PAUSE_SECONDS)
        log.warning("throttled", seconds=round(seconds, 2))
        self._local.throttled(seconds)

    def _wait_for_slot(self, patience: float) -> float:
        """Reserve a slot, in one round trip, and wait for it.

        Returns:
            How long it waited, in seconds, 0 if a pause was in force when it reserved; or `OVERSLEPT`.
        """
        room = [BULK_PATIENCE_SECONDS * 1_000_000, BULK_REMEMBERED_SECONDS * 1_000, 1 / (1 - BULK_SHARE)]
        local_wait = self._local.wait_seconds()  # for calls made without Redis, which are not in its keys
        if local_wait > patience:
            raise RateLimited(local_wait)
        arguments = [
            self._interval,
            self._burst,
            patience * 1_000_000,
            self._share,
            *room,
            local_wait * 1_000_000,
            self._lane,
            *self._set_back,
        ]
        granted, wait, *pause_ms = self._reserve(self._keys, arguments)
        seconds = int(wait) / 1_000_000
        if not granted:
            raise RateLimited(seconds - LONGEST_WAIT_SECONDS / 2 + random.random())
        if seconds > 0:
            began = self._monotonic()
            self._sleep(seconds)
            if self._monotonic() - began - seconds > _LATE_SECONDS:
                return OVERSLEPT
        return 0.0 if any(pause_ms) else seconds

    def _is_paused(self) -> bool:
        return bool(self._client.exists(self._pause_key))

    def _begin_pause(self, seconds: float) -> int:
        ms = [seconds * 1_000, FIRST_PAUSE_SECONDS * 1_000, LONGEST_PAUSE_SECONDS * 1_000]
        jitter = random.uniform(0.5, 1.0)
        forgotten_ms, longest_ms = int(PAUSES_FORGOTTEN_SECONDS * 1_000), LONGEST_RETRY_AFTER_SECONDS * 1_000
        return int(self._pause([self._pause_key, self._pauses_key], [*ms, forgotten_ms, jitter, longest_ms]))

    def _call_redis(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a call to Redis returns; None if Redis does not answer, or failed a moment ago."""
        if self._is_away and self._monotonic() < self._retry_at:
            return None
        try:
            value = call(*args)
        except redis.RedisError as error:
            self._retry_at = self._monotonic() + REDIS_RETRY_SECONDS
            if not self._is_away:
                self._is_away = True
                self._local.pause(LONGEST_WAIT_SECONDS)  # until all slots reserved in Redis are used
                log.warning("governor_without_redis", error=type(error).__name__)
            return None
        self._is_away = False
        return value


class LocalGovernor:
    """Space the calls of this process within its share of the limit, without bursts, while Redis does not answer."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / (settings.share_per_second * SHARE)
        self._sleep, self._monotonic = sleep, monotonic
        self._free_at = 0.0
        self._lock = ForkSafeLock()

    def acquire(self) -> None:
        """Wait for a slot.

        Raises:
            RateLimited: No slot is free within `LONGEST_WAIT_SECONDS`. Try again after `retry_after_seconds`.
        """
        with self._lock:
            now = self._monotonic()
            start = max(now, self._free_at)
            if start - now > LONGEST_WAIT_SECONDS:
                raise RateLimited(start - now)
            self._free_at = start + self._interval
        self._sleep(start - now)

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Pause this process's callers after a 429."""
        self.pause(retry_after_seconds or 1.0)

    def pause(self, seconds: float) -> None:
        """Let no call of this process start for some seconds."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)

    def wait_seconds(self) -> float:
        """Return how long it takes until all waiting calls of this process have started."""
        with self._lock:
            return max(self._free_at - self._monotonic(), 0.0)
