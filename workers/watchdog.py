"""End a process whose threads died or hang. The supervisor restarts it, and no work is lost."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Worker
from dramatiq.middleware import Middleware

log = structlog.get_logger()

#: Seconds between two checks.
INTERVAL_SECONDS = 1.0
#: The process ends after the same fault in so many checks in a row: a process that was suspended gets time to go on.
SAME_FAULTS = 3
#: The exit status of a process that ended itself.
EXIT_STATUS = 70

Fault = str | None


def end_process(fault: str) -> None:
    """End the process at once; an orderly end would hang, too. Leases expire and messages are sent again."""
    log.error("watchdog_ends_process", fault=fault)
    os._exit(EXIT_STATUS)


class Watchdog:
    """Check for a fault from a thread of its own.

    Args:
        find_fault: Returns what is wrong, or None.
        end: Called once, after the same fault was found `SAME_FAULTS` times in a row.
        interval_seconds: Seconds between two checks.
    """

    def __init__(
        self,
        find_fault: Callable[[], Fault],
        *,
        end: Callable[[str], None] = end_process,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._find_fault, self._end, self._interval_seconds = find_fault, end, interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start checking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopped.set()

    def _run(self) -> None:
        repeated, previous = 0, None
        while not self._stopped.wait(self._interval_seconds):
            fault = self._find_fault()
            repeated, previous = (repeated + 1 if fault == previous else 1), fault
            if fault is not None and repeated >= SAME_FAULTS:
                self._end(fault)
                return


class WorkerWatchdog(Middleware):
    """Check the threads of a worker process: each must be alive, and none busy with one message for too long.

    Args:
        longest_seconds: The longest time for one message; the time limit of the actors must be shorter.
        end: Called with the fault.
        interval_seconds: Seconds between two checks.
    """

    def __init__(
        self,
        longest_seconds: float,
        *,
        end: Callable[[str], None] = end_process,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        self._longest_seconds = longest_seconds
        self._busy_since: dict[int, float] = {}
        self._worker: Worker | None = None
        self._watch = Watchdog(self.find_fault, end=end, interval_seconds=interval_seconds)

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Start checking."""
        self._worker = worker
        self._watch.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stop checking, as threads end now."""
        self._watch.stop()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Record that this thread is busy from now on."""
        self._busy_since[threading.get_ident()] = time.monotonic()

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """Record that this thread is free."""
        self._busy_since.pop(threading.get_ident(), None)

    def find_fault(self) -> Fault:
        """Return what is wrong with the threads; None if nothing is."""
        worker = self._worker
        if worker is None:
            return None
        threads = [*worker.workers, *worker.consumers.values()]
        dead = sorted(type(thread).__name__ for thread in threads if not thread.is_alive())
        if dead:
            return f"threads ended unexpectedly: {', '.join(dead)}"
        now = time.monotonic()
        if any(now - since > self._longest_seconds for since in list(self._busy_since.values())):
            return f"a thread has been busy with one message for more than {self._longest_seconds:g} s"
        return None
