"""The entry point of each worker process: `dramatiq cobalt_mirror.workers.main:start`."""

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from cobalt_mirror.workers import logs
from cobalt_mirror.workers.broker import create_broker, message_timeout
from cobalt_mirror.workers.runtime import Runtime, open_runtime
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.watchdog import WorkerWatchdog

#: How long an interrupted actor may take to end, in seconds; one that hangs in a system call is not interrupted.
INTERRUPTION_SECONDS = 30.0


class Resources(Middleware):
    """Close the process's resources after its worker has stopped."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Close everything, last opened first."""
        self._runtime.close()


def start() -> None:
    """Build the broker, its actors and their resources. dramatiq calls this once in each process."""
    settings = Settings.from_environment()
    logs.configure(settings.log_level)
    runtime = open_runtime(settings)
    watchdog = WorkerWatchdog(message_timeout(settings).total_seconds() + INTERRUPTION_SECONDS)
    broker = create_broker(runtime.redis, settings, Resources(runtime), watchdog)
    runtime.actors().register(broker)
