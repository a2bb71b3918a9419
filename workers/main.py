"""What dramatiq imports in each worker process: `dramatiq cobalt_mirror.workers.main:start`."""

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from cobalt_mirror.workers import logs
from cobalt_mirror.workers.broker import create_broker, longest_turn
from cobalt_mirror.workers.runtime import Runtime, open_runtime
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.watchdog import WorkerWatchdog

#: How long an actor that was interrupted may take to end; one that hangs in a system call does not notice, in seconds.
INTERRUPTION_SECONDS = 30.0


class Resources(Middleware):
    """Closes what the process opened when its worker has stopped."""

    def __init__(self, opened: Runtime) -> None:
        self._opened = opened

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Close everything, last opened first."""
        self._opened.close()


def start() -> None:
    """Build the broker, its actors and what they need. dramatiq calls this once in each process."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    opened = open_runtime(settings)
    watchdog = WorkerWatchdog(longest_turn(settings).total_seconds() + INTERRUPTION_SECONDS)
    broker = create_broker(opened.redis, settings, Resources(opened), watchdog)
    opened.actors().register(broker)
