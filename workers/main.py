"""The entry point of each worker process: `dramatiq cobalt_mirror.workers.main:start`."""

import signal
from typing import TYPE_CHECKING

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from cobalt_mirror.workers.terminal.signals import ignore_repeats

if TYPE_CHECKING:
    from cobalt_mirror.workers.runtime import Runtime

#: How long an interrupted actor may take to end, in seconds; one that hangs in a system call is not interrupted.
INTERRUPTION_SECONDS = 30.0


class Resources(Middleware):
    """Close the process's resources after its worker has stopped."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Close everything, last opened first."""
        self._runtime.close()


def start() -> None:
    """Build the broker, its actors and their resources. dramatiq calls this once in each process.

    The imports take a second or more, and a signal may come meanwhile, so they wait until it is handled.
    """
    ignore_repeats(signal.SIGTERM)

    from cobalt_mirror.workers import logs  # noqa: PLC0415
    from cobalt_mirror.workers.broker import create_broker, message_timeout  # noqa: PLC0415
    from cobalt_mirror.workers.runtime import open_runtime  # noqa: PLC0415
    from cobalt_mirror.workers.settings import Settings  # noqa: PLC0415
    from cobalt_mirror.workers.watchdog import WorkerWatchdog  # noqa: PLC0415

    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    runtime = open_runtime(settings)
    watchdog = WorkerWatchdog(message_timeout(settings).total_seconds() + INTERRUPTION_SECONDS)
    broker = create_broker(runtime.redis, settings, Resources(runtime), watchdog)
    runtime.actors().register(broker)
