"""Carries out a plan, each step at its time, and keeps account of what was done."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tests.chaos.damage import Damage
from tests.chaos.host import Host
from tests.chaos.place import Place
from tests.chaos.steps import ByHand, Harm, Publish, Reconcile, Step

#: Customers and people at the dashboard who click at the same moment.
_AT_ONCE = 32
#: A customer whose account is not there yet tries again after this, in seconds, and so often.
_AGAIN_SECONDS, _TRIES = 1.0, 30
_LONGEST_RECONCILIATION_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Stage:
    """One performance of a plan.

    Attributes:
        duration: for how long customers insist, in seconds.
        exits: how each reconciliation ended: its exit code, or minus the signal that killed it.
        missed: changes by hand that could not be made.
        kills: reconciliations that were killed.
    """

    place: Place
    host: Host
    damage: Damage
    start: datetime
    duration: float
    closing: threading.Event
    exits: list[int] = field(default_factory=list)
    missed: int = 0
    kills: int = 0
    _heap: list[tuple[float, int, Step]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def perform(self, steps: Sequence[Step], *, show: Callable[[], None]) -> None:
        """Do every step at its time, and return when all are done.

        Args:
            steps: the plan.
            show: called often, to tell how far it is.
        """
        for step in steps:
            self._push(step)
        crowd = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="crowd")
        harm = ThreadPoolExecutor(1, thread_name_prefix="harm")
        runs = ThreadPoolExecutor(1, thread_name_prefix="reconcile")
        under_way: list[Future[None]] = []
        try:
            while self._heap or any(not one.done() for one in under_way):
                under_way = [one for one in under_way if _is_under_way(one)]
                for step in self._due():
                    pool = harm if isinstance(step, Harm) else runs if isinstance(step, Reconcile) else crowd
                    under_way.append(pool.submit(self._do, step))
                show()
                self.closing.wait(0.02)
        finally:
            # Whoever is interrupted must not wait for those who wait for a database that is away.
            if self._heap or any(not one.done() for one in under_way):
                self.closing.set()
            for pool in (crowd, harm, runs):
                pool.shutdown(cancel_futures=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning of the run."""
        return (datetime.now(UTC) - self.start).total_seconds()

    def reconcile(self, *words: str, killed_after: float | None = None) -> int:
        """Run `cobalt-mirror reconcile` to its end, or to that of our patience."""
        process = self.place.begin_command("reconcile", *words)
        ends = time.monotonic() + (killed_after or _LONGEST_RECONCILIATION_SECONDS)
        while process.poll() is None and time.monotonic() < ends and not self.closing.is_set():
            self.closing.wait(0.05)
        if process.poll() is None:
            process.kill()
            self.kills += 1
        status = process.wait()
        self.place.reaper.forget(process.pid)
        return status

    def _push(self, step: Step) -> None:
        with self._lock:
            heapq.heappush(self._heap, (step.at, next(self._numbers), step))

    def _due(self) -> list[Step]:
        found: list[Step] = []
        with self._lock:
            while self._heap and self._heap[0][0] <= self.elapsed:
                found.append(heapq.heappop(self._heap)[2])
        return found

    def _do(self, step: Step) -> None:
        match step:
            case Publish():
                self.host.publish(step.events)
            case ByHand():
                self._by_hand(step)
            case Harm():
                self.damage.do(step)
            case Reconcile():
                self.exits.append(self.reconcile(killed_after=step.killed_after))

    def _by_hand(self, step: ByHand) -> None:
        if self.place.knobs.by_hand(step.action, step.told):
            return
        if step.insists and step.tries < _TRIES and self.elapsed < self.duration:
            self._push(replace(step, at=self.elapsed + _AGAIN_SECONDS, tries=step.tries + 1))
        else:
            self.missed += 1


def _is_under_way(future: Future[None]) -> bool:
    """Whether it still runs; what went wrong in it is raised here."""
    if future.done():
        future.result()
        return False
    return True
