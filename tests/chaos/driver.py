"""The driver: carry out a plan, each step at its time, and record the results."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from tests.chaos.host import Host
from tests.chaos.injector import FaultInjector
from tests.chaos.lateness import Lateness
from tests.chaos.services import Services
from tests.chaos.steps import ByHand, FaultStep, Ids, Opened, PoisonRow, Publish, Reconcile, Step, with_ids

#: Customers and dashboard users that act at the same time.
_AT_ONCE = 32
_LONGEST_RECONCILIATION_SECONDS = 600.0


@dataclass(slots=True, kw_only=True)
class Driver:
    """Carries out a plan.

    Attributes:
        duration: How long customers act, in seconds.
        lateness: Customers who had to wait.
        exits: The exit code of each reconciliation, or minus the signal that killed it.
        missed: Number of changes by hand that could not be made.
        unpublished: Number of steps that were not published, as the customer was late or not connected.
        opened: What customers have connected, with its id where the application holds several connections.
        kills: Number of reconciliations that were killed.
    """

    services: Services
    host: Host
    injector: FaultInjector
    start: datetime
    duration: float
    closing: threading.Event
    lateness: Lateness
    exits: list[int] = field(default_factory=list)
    missed: int = 0
    unpublished: int = 0
    kills: int = 0
    opened: dict[Opened, str] = field(default_factory=dict)
    _heap: list[tuple[float, int, Step]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, steps: Sequence[Step], *, show: Callable[[], None]) -> None:
        """Do every step at its time, and return when all are done.

        Args:
            steps: The plan.
            show: Called often, to print progress.
        """
        for step in steps:
            self._push(step)
        customers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="customer")
        faults = ThreadPoolExecutor(1, thread_name_prefix="fault")
        runs = ThreadPoolExecutor(1, thread_name_prefix="reconcile")
        under_way: list[Future[None]] = []
        try:
            while self._heap or any(not future.done() for future in under_way):
                under_way = [future for future in under_way if _is_under_way(future)]
                for step in self._due():
                    pool = faults if isinstance(step, FaultStep) else runs if isinstance(step, Reconcile) else customers
                    under_way.append(pool.submit(self._do, step))
                show()
                self.closing.wait(0.02)
        finally:
            # An interrupted run must not wait for threads that wait for a database that is down.
            if self._heap or any(not future.done() for future in under_way):
                self.closing.set()
            for pool in (customers, faults, runs):
                pool.shutdown(cancel_futures=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning of the run."""
        return (datetime.now(UTC) - self.start).total_seconds()

    def reconcile(self, *words: str, killed_after: float | None = None) -> int:
        """Run `cobalt-mirror reconcile` to its end, or kill it after a timeout."""
        process = self.services.start_command("reconcile", *words)
        ends = time.monotonic() + (killed_after or _LONGEST_RECONCILIATION_SECONDS)
        while process.poll() is None and time.monotonic() < ends and not self.closing.is_set():
            self.closing.wait(0.05)
        if process.poll() is None:
            process.kill()
            self.kills += 1
        status = process.wait()
        self.services.reaper.forget(process.pid)
        return status

    def _push(self, step: Step) -> None:
        with self._lock:
            heapq.heappush(self._heap, (step.at, next(self._numbers), step))

    def _due(self) -> list[Step]:
        steps: list[Step] = []
        with self._lock:
            while self._heap and self._heap[0][0] <= self.elapsed:
                steps.append(heapq.heappop(self._heap)[2])
        return steps

    def _do(self, step: Step) -> None:
        match step:
            case Publish() | ByHand():
                ids = dict(self.opened)  # before it is told how late its customer is, who may just have connected
                self._act(self.lateness.catch_up(step), step.at, ids)
            case FaultStep():
                self.injector.do(step)
            case PoisonRow():
                self.host.poison(step)
            case Reconcile():
                self.exits.append(self.reconcile(killed_after=step.killed_after))

    def _act(self, step: Publish | ByHand, at: float, ids: Ids) -> None:
        """Do what a customer or somebody in the dashboard does, if it is time for it and can be done by now."""
        if at < step.at <= self.duration:
            self._push(step)
            return
        do = partial(self._publish, step) if isinstance(step, Publish) else partial(self._by_hand, step)
        if step.at <= self.duration and do(ids):
            return
        if (again := self.lateness.wait(step)) is not None:
            self._push(again)
        elif isinstance(step, Publish):
            self.unpublished += 1
        else:
            self.missed += 1

    def _publish(self, step: Publish, ids: Ids) -> bool:
        if not self.host.publish(step.events, ids):
            return False
        if step.then is not None:
            self._push(replace(step.then, at=self.elapsed + step.then.at, late=step.late))
        return True

    def _by_hand(self, step: ByHand, ids: Ids) -> bool:
        arguments = with_ids(step.arguments, ids)
        answer = None if arguments is None else self.services.control.by_hand(step.action, arguments)
        if answer is not None and step.opens is not None:
            self.lateness.note_done(step, self.elapsed)  # else a busy machine has things removed before they were made
            self.opened[step.opens] = answer.get("connection_id", "")
        return answer is not None


def _is_under_way(future: Future[None]) -> bool:
    """Return whether it still runs; raise its exception if it failed."""
    if future.done():
        future.result()
        return False
    return True
