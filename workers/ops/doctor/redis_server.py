"""The examination of Redis: what it says of itself, and whether it lets us do what our processes do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from cobalt_mirror.addresses import shown_address
from cobalt_mirror.workers.ops.doctor.clocks import judge_clock
from cobalt_mirror.workers.ops.doctor.finding import Finding, broken, fine, warning
from cobalt_mirror.workers.ops.doctor.latency import quickest_ms
from cobalt_mirror.workers.redis_clients import create_examining_redis
from cobalt_mirror.workers.redis_failures import explain_failure
from cobalt_mirror.workers.settings import Settings

AREA = "redis"
#: The oldest Redis that is tested.
OLDEST_VERSION = (6, 2)
#: A message costs a few round trips, and so does a call to Cobalt.
SLOW_MS = 20.0
#: The share of its memory from which on it is nearly full.
NEARLY_FULL = 0.9
#: A script that does what dramatiq's and the governor's do.
_SCRIPT = "redis.call('SET', KEYS[1], 1, 'PX', 1000) return redis.call('TIME')"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """What a Redis says.

    Attributes:
        info: its `INFO`; empty: this user may not ask.
        milliseconds: how long it took to answer a `PING`, at best.
    """

    info: Mapping[str, Any]
    milliseconds: float


def examine_redis(settings: Settings) -> Iterator[Finding]:
    """Ask the Redis at REDIS_URL, and judge it."""
    if settings.redis_url is None:
        yield broken(AREA, "REDIS_URL is not set", "set it; relay, workers and reconcile need a Redis")
        return
    try:
        with create_examining_redis(settings) as client:
            client.ping()
            milliseconds = quickest_ms(client.ping)
            before = datetime.now(UTC)
            seconds, microseconds = client.eval(_SCRIPT, 1, f"{settings.redis_namespace}:doctor")
            after = datetime.now(UTC)
            info = _info(client)
    except redis.RedisError as error:
        failure = explain_failure(error)
        yield broken(AREA, f"the Redis at {shown_address(settings.redis_url)} {failure.text}", failure.remedy)
        return
    yield from judge_redis(RedisFacts(info=info, milliseconds=milliseconds))
    there = datetime.fromtimestamp(int(seconds) + int(microseconds) / 1_000_000, UTC)
    yield from judge_clock("Redis", there, before=before, after=after)


def _info(client: redis.Redis) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = client.info()
    except redis.exceptions.NoPermissionError:
        return {}
    return info


def judge_redis(facts: RedisFacts) -> Iterator[Finding]:
    """Judge a Redis that answers and lets us write."""
    latency = f"answers in {facts.milliseconds:.1f} ms"
    if not facts.info:
        yield warning(AREA, f"{latency}; this user may not read its INFO, so the rest is not known", "allow INFO")
        return
    version = str(facts.info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        yield warning(AREA, f"version {version}, {latency}", f"update it: {oldest} is the oldest that is supported")
    elif facts.milliseconds > SLOW_MS:
        yield warning(AREA, f"version {version}, {latency}", "run it nearer to the workers: each event needs it often")
    else:
        yield fine(AREA, f"version {version}, {latency}")
    yield from _memory(facts.info)
    kept = (
        "keeps its data on disk"
        if facts.info.get("aof_enabled") or facts.info.get("rdb_last_save_time")
        else "keeps nothing"
    )
    yield fine(AREA, f"{kept}; what it loses is sent again from the database")


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    policy, most, used = info.get("maxmemory_policy"), int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if most and used >= NEARLY_FULL * most:
        yield warning(AREA, f"{used / most:.0%} of its memory is in use", "raise maxmemory, or find what fills it")
    if policy not in {None, "noeviction"} and most:
        yield broken(
            AREA,
            f"when its memory is full it drops keys (maxmemory-policy {policy}), such as messages and the rate limit",
            "CONFIG SET maxmemory-policy noeviction, or another Redis for us",
        )
