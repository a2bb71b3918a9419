"""The entry point of each worker process: `workers/dramatiq_master.py` names it to dramatiq."""

import signal
from typing import TYPE_CHECKING

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from cobalt_mirror.workers.terminal.signals import ignore_repeats

if TYPE_CHECKING:
    from cobalt_mirror.workers.heartbeat import Heartbeat
    from cobalt_mirror.workers.notices.starting import Notices
    from cobalt_mirror.workers.runtime import Runtime

#: How long an interrupted actor may take to end, in seconds; one that hangs in a system call is not interrupted.
INTERRUPTION_SECONDS = 30.0


class Resources(Middleware):
    """Begin what a process does beside its work, and close its resources after the worker has stopped."""

    def __init__(self, runtime: "Runtime", heartbeat: "Heartbeat", notices: "Notices") -> None:
        self._runtime, self._heartbeat, self._notices = runtime, heartbeat, notices

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Begin the heartbeat, and to tell notices."""
        self._heartbeat.start()
        self._notices.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Begin no attempt to tell a notice any more."""
        self._notices.stop()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """End everything, then close it, last opened first."""
        self._notices.close()
        self._heartbeat.stop()
        self._runtime.close()


def start() -> None:
    """Build the broker, its actors and their resources. dramatiq calls this once in each process.

    The imports take a second or more, and a signal may come meanwhile, so they wait until it is handled.
    """
    ignore_repeats(signal.SIGTERM)
    signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))  # of the two, the second is a repeat as well

    from cobalt_mirror.db.statuses import ProcessKind  # noqa: PLC0415
    from cobalt_mirror.workers import logs  # noqa: PLC0415
    from cobalt_mirror.workers.broker import create_broker, message_timeout  # noqa: PLC0415
    from cobalt_mirror.workers.heartbeat import Heartbeat, Queues  # noqa: PLC0415
    from cobalt_mirror.workers.notices.starting import Notices  # noqa: PLC0415
    from cobalt_mirror.workers.runtime import open_runtime  # noqa: PLC0415
    from cobalt_mirror.workers.settings import Settings  # noqa: PLC0415
    from cobalt_mirror.workers.telemetry.starting import observe_worker  # noqa: PLC0415
    from cobalt_mirror.workers.watchdog import WorkerWatchdog  # noqa: PLC0415

    settings = Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    runtime = open_runtime(settings, observe_worker(settings))
    watchdog = WorkerWatchdog(message_timeout(settings).total_seconds() + INTERRUPTION_SECONDS)
    queues = Queues(runtime.redis, settings.redis_namespace)
    heartbeat = Heartbeat(ProcessKind.WORKER, runtime.engine, queues=queues)
    broker = create_broker(runtime.redis, settings, Resources(runtime, heartbeat, Notices(settings)), watchdog)
    runtime.actors().register(broker)
