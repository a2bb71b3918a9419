"""Ends a process whose threads died or hang: whoever runs the Procfile starts it again, and no work is lost by that."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from dramatiq import Broker, MessageProxy, Worker
from dramatiq.middleware import Middleware

log = structlog.get_logger()

#: Between two looks, in seconds.
LOOK_SECONDS = 1.0
#: Looks in a row that find the same fault before the process ends; one that was stopped for a while gets time to run.
LOOKS = 3
#: The exit status of a process that ended itself.
EXIT_STATUS = 70

Fault = str | None


def end_process(fault: str) -> None:
    """End at once, for what hangs would hang in an orderly end, too. Leases run out, messages are sent again."""
    log.error("watchdog_ends_process", fault=fault)
    os._exit(EXIT_STATUS)


class Watch:
    """Looks from a thread of its own.

    Args:
        find_fault: says what is wrong, or None.
        end: called once when the same fault was found `LOOKS` times in a row.
        look_seconds: between two looks.
    """

    def __init__(
        self,
        find_fault: Callable[[], Fault],
        *,
        end: Callable[[str], None] = end_process,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._find_fault, self._end, self._look_seconds = find_fault, end, look_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        looks, before = 0, None
        while not self._stopped.wait(self._look_seconds):
            fault = self._find_fault()
            looks, before = (looks + 1 if fault == before else 1), fault
            if fault is not None and looks >= LOOKS:
                self._end(fault)
                return


class WorkerWatchdog(Middleware):
    """Watches the threads of a worker process: each must live, and none may be busy with one message for too long.

    Args:
        longest_seconds: the longest that one message may take; the time limit of the actors must be shorter.
        end: called with what is wrong.
        look_seconds: between two looks.
    """

    def __init__(
        self,
        longest_seconds: float,
        *,
        end: Callable[[str], None] = end_process,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._longest_seconds = longest_seconds
        self._busy_since: dict[int, float] = {}
        self._worker: Worker | None = None
        self._watch = Watch(self.find_fault, end=end, look_seconds=look_seconds)

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Begin to watch."""
        self._worker = worker
        self._watch.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Threads may end now."""
        self._watch.stop()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """A thread is busy from now on."""
        self._busy_since[threading.get_ident()] = time.monotonic()

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """It is not any more."""
        self._busy_since.pop(threading.get_ident(), None)

    def find_fault(self) -> Fault:
        """What is wrong with the threads; None: nothing."""
        worker = self._worker
        if worker is None:
            return None
        threads = [*worker.workers, *worker.consumers.values()]
        dead = sorted(type(thread).__name__ for thread in threads if not thread.is_alive())
        if dead:
            return f"threads died: {', '.join(dead)}"
        now = time.monotonic()
        if any(now - since > self._longest_seconds for since in list(self._busy_since.values())):
            return f"a thread is busy with one message for more than {self._longest_seconds:g} s"
        return None
