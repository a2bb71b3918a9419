"""Customers who have to wait: whatever they do later is later by as much, so that its order stays."""

import threading
from dataclasses import dataclass, field, replace

from tests.chaos.steps import ByHand, Publish

#: How long a customer waits before another try, in seconds, and the most tries.
AGAIN_SECONDS, TRIES = 1.0, 30


@dataclass(slots=True, kw_only=True)
class Lateness:
    """By how much each customer is late. Safe to share between threads.

    Attributes:
        duration: When customers stop, in seconds since the beginning of the run.
    """

    duration: float
    _late: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def catch_up(self, step: Publish | ByHand) -> Publish | ByHand:
        """Return a step as late as its customer is by now."""
        with self._lock:
            behind = self._late.get(step.customer or "", 0.0) - step.late
        return step.put_off(behind) if step.customer is not None and behind > 0 else step

    def note_done(self, step: Publish | ByHand, at: float) -> None:
        """Note when a step was done: what its customer does after it is later by as much as it was behind its time."""
        if step.customer is not None:
            with self._lock:
                self._late[step.customer] = max(self._late.get(step.customer, 0.0), step.late + at - step.at)

    def wait(self, step: Publish | ByHand) -> Publish | ByHand | None:
        """Return a step for another try a moment later, with its customer late by that; None: it was tried enough."""
        if step.customer is None or step.tries >= TRIES or step.at + AGAIN_SECONDS > self.duration:
            return None
        with self._lock:
            self._late[step.customer] = max(self._late.get(step.customer, 0.0), step.late + AGAIN_SECONDS)
        return replace(step.put_off(AGAIN_SECONDS), tries=step.tries + 1)
