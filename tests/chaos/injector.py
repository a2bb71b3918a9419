"""The fault injector: inject the plan's faults one after the other, and end them all at the end of the run."""

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
from tests.chaos.control_client import ControlClient
from tests.chaos.postgres import Postgres
from tests.chaos.steps import FaultKind, FaultStep
from tests.commands import children_of

_NO_FAULTS: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """One fault that was injected: its time, kind and target."""

    at: datetime
    what: FaultKind
    whom: str


@dataclass(slots=True, kw_only=True)
class FaultInjector:
    """Injects faults into the services of a run. Not safe to share between threads.

    Attributes:
        done: The injected faults, without those of the plan whose target was down.
    """

    processes: Supervisor
    redis: EmbeddedRedis
    postgres: Postgres | None
    control: ControlClient
    done: list[InjectedFault] = field(default_factory=list)
    _stopped: dict[int, list[int]] = field(default_factory=dict)
    _background_faults: Sequence[Mapping[str, Any]] = _NO_FAULTS
    #: Rules for accounts that fail until the end: before all others, for the first that matches counts.
    _lasting: list[Mapping[str, Any]] = field(default_factory=list)
    _now: Sequence[Mapping[str, Any]] = _NO_FAULTS
    _outages: int = 0
    _redis_up: bool = True

    @property
    def counts(self) -> Counter[FaultKind]:
        """The number of injected faults by kind."""
        return Counter(fault.what for fault in self.done)

    def do(self, fault: FaultStep) -> None:
        """Inject one fault of the plan."""
        whom = self._actions()[fault.what](fault)
        if whom is not None:
            self.done.append(InjectedFault(at=datetime.now(UTC), what=fault.what, whom=whom))

    def mend(self) -> None:
        """End all faults: resume and start all services, and remove Cobalt's fault rules."""
        for number in list(self._stopped):
            self._go_on(FaultStep(at=0, what=FaultKind.GO_ON, number=number))
        self._redis_go_on(FaultStep(at=0, what=FaultKind.REDIS_GO_ON))
        if not self._redis_up:
            self._redis_start(FaultStep(at=0, what=FaultKind.REDIS_START))
        if self.postgres is not None and not self.postgres.is_up:
            self.postgres.start()
        self.control.set_faults(_NO_FAULTS)
        self.control.change_settings(notifications_lost=0, notifications_duplicated=0, token_renewals=0, stale_reads=0)

    def _actions(self) -> Mapping[FaultKind, Callable[[FaultStep], str | None]]:
        return {
            FaultKind.KILL: lambda fault: self._signal(fault, signal.SIGKILL),
            FaultKind.TERM: lambda fault: self._signal(fault, signal.SIGTERM),
            FaultKind.STOP: self._stop,
            FaultKind.GO_ON: self._go_on,
            FaultKind.REDIS_KILL: self._redis_kill,
            FaultKind.REDIS_START: self._redis_start,
            FaultKind.REDIS_FLUSH: lambda _: self._ask_redis("FLUSHALL"),
            FaultKind.REDIS_PAUSE: lambda fault: self._ask_redis("CLIENT", "PAUSE", int(fault.seconds * 1000)),
            FaultKind.REDIS_STOP: self._redis_stop,
            FaultKind.REDIS_GO_ON: self._redis_go_on,
            FaultKind.POSTGRES_STOP: self._postgres_stop,
            FaultKind.POSTGRES_START: self._postgres_start,
            FaultKind.OUTAGE: self._outage,
            FaultKind.OUTAGE_ENDS: self._outage_ends,
            FaultKind.BACKGROUND_FAULTS: self._change_background_faults,
            FaultKind.ACCOUNT_FAILS: self._account_fails,
        }

    # --- processes ----------------------------------------------------------------------------------------------------

    def _find(self, fault: FaultStep) -> list[int]:
        """Return the ids of the target as it runs now: a process with all its children, or one of its children."""
        leader = self.processes.pids.get(fault.target)
        if leader is None:  # down at this moment
            return []
        children = sorted(pid for pid, command in children_of(leader).items() if "resource_tracker" not in command)
        if fault.pick is None:
            return [leader, *children]
        return children[int(fault.pick * len(children)) :][:1]

    def _signal(self, fault: FaultStep, number: signal.Signals) -> str | None:
        """Signal a process, or one of its children. Its supervisor handles what a killed one leaves."""
        pids = self._find(fault)[:1]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return _named(fault) if pids else None

    def _stop(self, fault: FaultStep) -> str | None:
        pids = self._find(fault)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        if pids:
            self._stopped[fault.number] = pids
        return _named(fault) if pids else None

    def _go_on(self, fault: FaultStep) -> str | None:
        """Resume a process, unless another stop of it is in force."""
        pids = self._stopped.pop(fault.number, [])
        still_stopped = {pid for others in self._stopped.values() for pid in others}
        for pid in pids:
            if pid not in still_stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        return _named(fault) if pids else None

    # --- Redis --------------------------------------------------------------------------------------------------------

    def _redis_kill(self, _: FaultStep) -> str | None:
        if not self._redis_up:
            return None
        self.redis.kill()
        self._redis_up = False
        return "redis"

    def _redis_start(self, _: FaultStep) -> str | None:
        if self._redis_up:
            return None
        self.redis.restart()
        self._redis_up = True
        return "redis"

    def _redis_stop(self, _: FaultStep) -> str | None:
        return self._signal_redis(signal.SIGSTOP)

    def _redis_go_on(self, _: FaultStep) -> str | None:
        return self._signal_redis(signal.SIGCONT)

    def _signal_redis(self, number: signal.Signals) -> str | None:
        if not self._redis_up:
            return None
        os.kill(self.redis.pid, number)
        return "redis"

    def _ask_redis(self, *words: str | int) -> str | None:
        """Send a command to Redis, if it answers."""
        try:
            with redis.Redis.from_url(self.redis.url, socket_timeout=2) as client:
                client.execute_command(*words)
        except redis.RedisError:
            return None
        return "redis"

    # --- PostgreSQL ---------------------------------------------------------------------------------------------------

    def _postgres_stop(self, fault: FaultStep) -> str | None:
        if self.postgres is None or not self.postgres.is_up:
            return None
        self.postgres.stop(fault.mode)
        return f"postgres, {fault.mode}"

    def _postgres_start(self, _: FaultStep) -> str | None:
        if self.postgres is None or self.postgres.is_up:
            return None
        self.postgres.start()
        return "postgres"

    # --- Cobalt -------------------------------------------------------------------------------------------------------

    def _outage(self, fault: FaultStep) -> str | None:
        self._outages += 1
        self._set(fault.faults)
        return str(fault.faults)

    def _outage_ends(self, _: FaultStep) -> str | None:
        self._outages -= 1
        if not self._outages:
            self._set(self._background_faults)
        return "cobalt"

    def _account_fails(self, fault: FaultStep) -> str | None:
        self._lasting += fault.faults
        self._set(self._now)
        return str(fault.faults)

    def _set(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._now = rules
        self.control.set_faults([*self._lasting, *rules])

    def _change_background_faults(self, fault: FaultStep) -> str | None:
        self._background_faults = fault.faults
        if not self._outages:
            self._set(self._background_faults)
        return str(fault.faults)


def _named(fault: FaultStep) -> str:
    return fault.target if fault.pick is None else f"one of {fault.target}'s processes"
