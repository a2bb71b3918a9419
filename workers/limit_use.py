"""How much of Cobalt's limit is used: the governor's slots, counted in Redis by ten seconds and by lane.

<namespace>:governor:used:<number of the ten seconds since 1970>   a hash that expires: `<lane>` has the number of
    slots, `<lane>:waited` how long callers waited for them together, in microseconds
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import redis

from cobalt_mirror.workers.settings import Settings

#: Slots are counted by so many seconds, ...
STEP_SECONDS = 10
#: ... and this many steps that are over are one minute.
STEPS = 6
#: How long a count is kept: as long as it may be asked for, and a step more.
_KEPT_SECONDS = (STEPS + 2) * STEP_SECONDS
_WAITED = ":waited"

#: For the governor's script: count a slot in the step in which its call starts. Two commands, and a third one for the
#: first slot of a step.
COUNT_SLOT = f"""
local function count_slot(prefix, lane, starts_at, wait)
  local key = prefix .. string.format('%.0f', math.floor(starts_at / {STEP_SECONDS}e6))
  if redis.call('HINCRBY', key, lane, 1) == 1 then redis.call('EXPIRE', key, {_KEPT_SECONDS}) end
  redis.call('HINCRBY', key, lane .. '{_WAITED}', string.format('%.0f', wait))
end
"""


@dataclass(frozen=True, slots=True)
class LaneUse:
    """What a lane used in a minute.

    Attributes:
        share: of Cobalt's limit.
        wait_seconds: how long a caller waited for a slot on average.
    """

    share: float
    wait_seconds: float


def prefix_of(settings: Settings) -> str:
    """Return what the names of all counts begin with."""
    return f"{settings.redis_namespace}:governor:used:"


def steps_before(seconds: float) -> list[int]:
    """Return the numbers of the last steps that were over at a time, in seconds since 1970."""
    current = int(seconds // STEP_SECONDS)
    return list(range(current - STEPS, current))


def read_time(client: redis.Redis) -> float:
    """Return Redis's time, in seconds since 1970."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6


def read_use(client: redis.Redis, settings: Settings, now: float) -> Mapping[str, LaneUse]:
    """Return what each lane used of Cobalt's limit, in the minute before the current ten seconds.

    Args:
        client: of the Redis that the governor uses.
        settings: the limit, which must not be 0, and the namespace.
        now: Redis's time.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    with client.pipeline(transaction=False) as pipeline:
        for step in steps_before(now):
            pipeline.hgetall(f"{prefix_of(settings)}{step}")
        answers = pipeline.execute()
    counts: Counter[str] = Counter()
    for answer in answers:
        counts.update({name.decode(): int(number) for name, number in answer.items()})
    limit = settings.cobalt_rate_per_second * STEPS * STEP_SECONDS
    return {
        lane: LaneUse(number / limit, counts[f"{lane}{_WAITED}"] / 1e6 / number)
        for lane, number in counts.items()
        if not lane.endswith(_WAITED)
    }
