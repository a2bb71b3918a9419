"""Does the harm that the plan has, one thing after the other, and mends it all at the end."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from cobalt_mirror.workers.local.redis import EmbeddedRedis
from cobalt_mirror.workers.local.supervisor import Supervisor
from tests.chaos.knobs import Knobs
from tests.chaos.postgres import Postgres
from tests.chaos.steps import Harm, What
from tests.commands import children_of

_RESTING: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One harm that was done: what, to whom, and when."""

    at: datetime
    what: What
    whom: str


@dataclass(slots=True, kw_only=True)
class Damage:
    """Harms the parts of a run. One thread uses it.

    Attributes:
        done: what was done. What the plan had and could not be done, since there was nobody to do it to, is not in it.
    """

    processes: Supervisor
    redis: EmbeddedRedis
    postgres: Postgres | None
    knobs: Knobs
    done: list[Done] = field(default_factory=list)
    _stopped: dict[int, list[int]] = field(default_factory=dict)
    _weather: Sequence[Mapping[str, Any]] = _RESTING
    _outages: int = 0
    _redis_up: bool = True

    @property
    def counts(self) -> Counter[What]:
        """How often each thing was done."""
        return Counter(one.what for one in self.done)

    def do(self, harm: Harm) -> None:
        """Do one thing of the plan."""
        whom = self._actions()[harm.what](harm)
        if whom is not None:
            self.done.append(Done(at=datetime.now(UTC), what=harm.what, whom=whom))

    def mend(self) -> None:
        """Have everything run again, and Cobalt behave."""
        for number in list(self._stopped):
            self._go_on(Harm(at=0, what=What.GO_ON, number=number))
        self._redis_go_on(Harm(at=0, what=What.REDIS_GO_ON))
        if not self._redis_up:
            self._redis_start(Harm(at=0, what=What.REDIS_START))
        if self.postgres is not None and not self.postgres.is_up:
            self.postgres.start()
        self.knobs.play(_RESTING)
        self.knobs.change_settings(notifications_lost=0, notifications_duplicated=0)

    def _actions(self) -> Mapping[What, Callable[[Harm], str | None]]:
        return {
            What.KILL: lambda harm: self._signal(harm, signal.SIGKILL),
            What.TERM: lambda harm: self._signal(harm, signal.SIGTERM),
            What.STOP: self._stop,
            What.GO_ON: self._go_on,
            What.REDIS_KILL: self._redis_kill,
            What.REDIS_START: self._redis_start,
            What.REDIS_FLUSH: lambda _: self._ask_redis("FLUSHALL"),
            What.REDIS_PAUSE: lambda harm: self._ask_redis("CLIENT", "PAUSE", int(harm.seconds * 1000)),
            What.REDIS_STOP: self._redis_stop,
            What.REDIS_GO_ON: self._redis_go_on,
            What.POSTGRES_STOP: self._postgres_stop,
            What.POSTGRES_START: self._postgres_start,
            What.OUTAGE: self._outage,
            What.OUTAGE_ENDS: self._outage_ends,
            What.WEATHER: self._change_weather,
        }

    # --- processes ----------------------------------------------------------------------------------------------------

    def _find(self, harm: Harm) -> list[int]:
        """Who is meant, as it runs now: a process with all its children, or one of its children."""
        leader = self.processes.pids.get(harm.target)
        if leader is None:  # down at this moment
            return []
        children = sorted(pid for pid, command in children_of(leader).items() if "resource_tracker" not in command)
        if harm.pick is None:
            return [leader, *children]
        return children[int(harm.pick * len(children)) :][:1]

    def _signal(self, harm: Harm, number: signal.Signals) -> str | None:
        """Signal a process, or one of its children; what a killed one leaves is its supervisor's to collect."""
        found = self._find(harm)[:1]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return _named(harm) if found else None

    def _stop(self, harm: Harm) -> str | None:
        found = self._find(harm)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        if found:
            self._stopped[harm.number] = found
        return _named(harm) if found else None

    def _go_on(self, harm: Harm) -> str | None:
        """Let a process go on, unless it has been stopped once more meanwhile."""
        found = self._stopped.pop(harm.number, [])
        others = {pid for pids in self._stopped.values() for pid in pids}
        for pid in found:
            if pid not in others:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return _named(harm) if found else None

    # --- Redis --------------------------------------------------------------------------------------------------------

    def _redis_kill(self, _: Harm) -> str | None:
        if not self._redis_up:
            return None
        self.redis.kill()
        self._redis_up = False
        return "redis"

    def _redis_start(self, _: Harm) -> str | None:
        if self._redis_up:
            return None
        self.redis.restart()
        self._redis_up = True
        return "redis"

    def _redis_stop(self, _: Harm) -> str | None:
        return self._signal_redis(signal.SIGSTOP)

    def _redis_go_on(self, _: Harm) -> str | None:
        return self._signal_redis(signal.SIGCONT)

    def _signal_redis(self, number: signal.Signals) -> str | None:
        if not self._redis_up:
            return None
        os.kill(self.redis.pid, number)
        return "redis"

    def _ask_redis(self, *words: str | int) -> str | None:
        """Say something to Redis, if it listens."""
        try:
            with redis.Redis.from_url(self.redis.url, socket_timeout=2) as client:
                client.execute_command(*words)
        except redis.RedisError:
            return None
        return "redis"

    # --- PostgreSQL ---------------------------------------------------------------------------------------------------

    def _postgres_stop(self, harm: Harm) -> str | None:
        if self.postgres is None or not self.postgres.is_up:
            return None
        self.postgres.stop(harm.mode)
        return f"postgres, {harm.mode}"

    def _postgres_start(self, _: Harm) -> str | None:
        if self.postgres is None or self.postgres.is_up:
            return None
        self.postgres.start()
        return "postgres"

    # --- Cobalt -------------------------------------------------------------------------------------------------------

    def _outage(self, harm: Harm) -> str | None:
        self._outages += 1
        self.knobs.play(harm.faults)
        return str(harm.faults)

    def _outage_ends(self, _: Harm) -> str | None:
        self._outages -= 1
        if not self._outages:
            self.knobs.play(self._weather)
        return "cobalt"

    def _change_weather(self, harm: Harm) -> str | None:
        self._weather = harm.faults
        if not self._outages:
            self.knobs.play(self._weather)
        return str(harm.faults)


def _named(harm: Harm) -> str:
    return harm.target if harm.pick is None else f"one of {harm.target}'s processes"
