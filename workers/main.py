"""What dramatiq imports in each worker process: `dramatiq workers.main:start`."""

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from workers import logs
from workers.broker import create_broker
from workers.runtime import Runtime, open_runtime
from workers.settings import Settings


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
    broker = create_broker(opened.redis, settings, Resources(opened))
    opened.actors().register(broker)
