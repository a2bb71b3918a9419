"""One rate governor for the whole organisation, in Redis: a caller reserves a slot and learns when it may go.

Keys of ours in Redis, all under the namespace (default `cobalt-mirror`):
    <namespace>:governor   the time at which the next slot is free, in microseconds of Redis's clock; goes by itself
    <namespace>:governor:bulk  the same time for the share that bulk work gets when live work queues; while it is there,
        live work leaves room for that share; goes by itself
    <namespace>:pause      set while everybody waits after a 429; goes by itself
    <namespace>:pauses     how many pauses came one after another without a time from Cobalt; goes by itself
dramatiq's queues live under the same namespace.
"""

import random
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import redis
import structlog

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings

log = structlog.get_logger()

#: How much of Cobalt's limit is used: clocks and the network bunch calls together that were evenly spaced.
SHARE = 0.97
#: Slots of the burst that are kept back for the same reason.
BURST_RESERVE = 2
#: Bulk work may queue behind live work while that has to wait for no longer than this, in seconds, ...
BULK_PATIENCE_SECONDS = 0.1
#: ... and else gets this share of the limit beside the queue: a reconciliation makes one call after the other, and one
#: that waited behind two seconds of live work each time would get half a call a second.
BULK_SHARE = 0.125
#: It may queue a bit further ahead than live work does, so that live work which fills the queue does not keep it out.
BULK_AHEAD_SECONDS = 0.5
#: Live work goes on leaving room for so long after the last slot of bulk work, in seconds.
BULK_REMEMBERED_SECONDS = 2.0

#: Pauses after a 429 that does not say how long: at most the first, then twice as long each time up to the longest.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
#: After so long without a 429, the next pause is the first again.
PAUSES_FORGOTTEN_SECONDS = 60.0
#: However long Cobalt says that it wants to be left alone: after this somebody asks again.
LONGEST_RETRY_AFTER_SECONDS = 900.0
#: Who waited this long for a slot looks whether a pause has begun meanwhile, in seconds.
_LOOKS_AFTER_SECONDS = 0.05
#: Who wakes up later than this for a slot reserves another one, in seconds: a process that was stopped for a while
#: would make the calls of all its threads at once when it goes on.
_LATE_SECONDS = 0.25
OVERSLEPT = -1.0
#: Redis may take this long to answer before callers go on without it, and is left alone then, in seconds.
REDIS_PATIENCE_SECONDS, REDIS_LEFT_ALONE_SECONDS = 0.5, 1.0


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
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local share, short = tonumber(ARGV[4]), tonumber(ARGV[5])
local pause = redis.call('PTTL', KEYS[2])
local earliest = now
if pause > 0 then earliest = now + pause * 1000 end
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), earliest)
local own = tonumber(redis.call('GET', KEYS[3]) or 0)
local wait = math.max(earliest, free_at - burst * interval) - now
if share > 0 and wait > short then
  if own == 0 then own = free_at end
  own = math.max(own, earliest)
  wait = own - now
  if wait > patience then return {0, wait} end
  local life = math.ceil((own + share - now) / 1000 + tonumber(ARGV[6]))
  redis.call('SET', KEYS[3], string.format('%.0f', own + share), 'PX', life)
  return {1, wait, math.max(pause, 0)}
end
if wait > patience then return {0, wait} end
if share == 0 and own > 0 then interval = interval * tonumber(ARGV[7]) end
local life = math.ceil((free_at + interval - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', free_at + interval), 'PX', life)
return {1, wait, math.max(pause, 0)}
"""

# A pause is never made shorter. Calls that were under way when it began are refused too: they do not make it longer,
# unless Cobalt says a time.
_PAUSE = """
local left = math.max(redis.call('PTTL', KEYS[1]), 0)
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
    """Spaces the calls of every process that shares this Redis. Without Redis, this process keeps to its share.

    Args:
        client: a redis-py client that gives up soon (see `create_governor_redis`): no call may wait for Redis longer
            than for Cobalt's limit.
        settings: the limit, the burst, the namespace, and how many processes share the limit when Redis is away.
        lane: which calls go first.
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
        self._keys = [f"{name}:governor", self._pause_key, f"{name}:governor:bulk"]
        self._interval = 1_000_000 / (settings.cobalt_rate_per_second * SHARE)
        self._burst = max(settings.cobalt_burst - BURST_RESERVE - 1, 0) if lane is Lane.LIVE else 0
        self._ahead_seconds = BULK_AHEAD_SECONDS if lane is Lane.BULK else 0.0
        self._share = self._interval / BULK_SHARE if lane is Lane.BULK else 0
        self._alone = LocalGovernor(settings, sleep=sleep, monotonic=monotonic)
        self._sleep, self._monotonic = sleep, monotonic
        self._is_away = False
        self._left_alone_until = 0.0

    def acquire(self) -> None:
        """Wait for a slot, at most `LONGEST_WAIT_SECONDS`; bulk work `BULK_AHEAD_SECONDS` longer.

        Raises:
            RateLimited: no slot is free that soon. Come back after `retry_after_seconds`. Nothing was reserved, but
                for the slot of a caller whom a pause or calls without Redis then held up.
        """
        patience = LONGEST_WAIT_SECONDS + self._ahead_seconds
        while True:
            waited = self._ask(self._wait_for_slot, patience)
            if waited is None:  # Redis is away
                return self._alone.acquire()
            if waited == OVERSLEPT:
                continue
            if waited < _LOOKS_AFTER_SECONDS or not self._ask(self._is_paused):
                return None
            patience = max(patience - waited, 0.0)

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Cobalt answered 429: everybody pauses, for as long as it said, or longer each time when it did not."""
        wanted = -1.0 if retry_after_seconds is None else min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS)
        paused_ms = self._ask(self._begin_pause, wanted)
        seconds = paused_ms / 1_000 if paused_ms is not None else max(wanted, FIRST_PAUSE_SECONDS)
        log.warning("throttled", seconds=round(seconds, 2))
        self._alone.throttled(seconds)

    def _wait_for_slot(self, patience: float) -> float:
        """Reserve a slot, in one round trip, and wait for it.

        Returns:
            How long it waited without knowing of a pause, in seconds; or `OVERSLEPT`.
        """
        room = [BULK_PATIENCE_SECONDS * 1_000_000, BULK_REMEMBERED_SECONDS * 1_000, 1 / (1 - BULK_SHARE)]
        arguments = [self._interval, self._burst, patience * 1_000_000, self._share, *room]
        granted, wait, *pause_ms = self._reserve(self._keys, arguments)
        seconds = int(wait) / 1_000_000
        if not granted:
            raise RateLimited(seconds - LONGEST_WAIT_SECONDS / 2 + random.random())
        left = self._alone.left_seconds()  # of calls without Redis, which therefore knows nothing of them
        if left > patience:
            raise RateLimited(left)
        seconds = max(seconds, left)
        if seconds > 0:
            began = self._monotonic()
            self._sleep(seconds)
            if self._monotonic() - began - seconds > _LATE_SECONDS:
                return OVERSLEPT
        return 0.0 if any(pause_ms) else seconds

    def _is_paused(self) -> bool:
        return bool(self._client.exists(self._pause_key))

    def _begin_pause(self, wanted: float) -> int:
        ms = [wanted * 1_000, FIRST_PAUSE_SECONDS * 1_000, LONGEST_PAUSE_SECONDS * 1_000]
        jitter = random.uniform(0.5, 1.0)
        forgotten_ms = int(PAUSES_FORGOTTEN_SECONDS * 1_000)
        return int(self._pause([self._pause_key, self._pauses_key], [*ms, forgotten_ms, jitter]))

    def _ask(self, question: Callable[..., Any], *args: Any) -> Any:
        """What Redis says; None: it is away. One that just failed is not asked again at once."""
        if self._is_away and self._monotonic() < self._left_alone_until:
            return None
        try:
            answer = question(*args)
        except redis.RedisError as error:
            self._left_alone_until = self._monotonic() + REDIS_LEFT_ALONE_SECONDS
            if not self._is_away:
                self._is_away = True
                self._alone.hold(LONGEST_WAIT_SECONDS)  # until whoever has a slot by now, anywhere, is gone
                log.warning("governor_without_redis", error=type(error).__name__)
            return None
        self._is_away = False
        return answer


class LocalGovernor:
    """This process's share of the limit, for when Redis is away: evenly spaced, no bursts."""

    def __init__(
        self,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / (settings.share_per_second * SHARE)
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
        self.hold(retry_after_seconds or 1.0)

    def hold(self, seconds: float) -> None:
        """Nobody here goes for so long."""
        with self._lock:
            self._free_at = max(self._free_at, self._monotonic() + seconds)

    def left_seconds(self) -> float:
        """How long it takes until everybody here has gone who waits for a slot."""
        with self._lock:
            return max(self._free_at - self._monotonic(), 0.0)
