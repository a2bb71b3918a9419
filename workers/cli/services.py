"""`cobalt-mirror migrate`, `worker` and `relay`: the commands that the Procfile runs."""

import math
import os
import sys
from typing import Annotated

import structlog
import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrating.patience import Patience
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers import logs
from cobalt_mirror.workers.actors import declare_queues
from cobalt_mirror.workers.broker import create_broker, create_redis
from cobalt_mirror.workers.heartbeat import Heartbeat, Queues
from cobalt_mirror.workers.ops.readiness import list_key_problems, ready_for_relay, ready_for_work
from cobalt_mirror.workers.relay import Relay
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.watchdog import Watchdog

log = structlog.get_logger()

#: How long an idle thread of dramatiq sleeps before it looks whether the process ends, in milliseconds; its default is
#: 1,000. Messages do not wait for that (see `workers/doorbell.py`). dramatiq reads it from the environment only.
_IDLE_SLEEP_MS = 100
_PATIENCE = Patience()


def migrate(
    lock_timeout: Annotated[
        float,
        typer.Option(min=0.1, max=3600, help="Seconds to wait for a lock; queries of the host may wait as long."),
    ] = _PATIENCE.lock,
    tries: Annotated[int, typer.Option(min=1, max=10_000, help="Number of tries to get the lock.")] = _PATIENCE.tries,
) -> None:
    """Create or update the tables of the mirror. Run it before every start.

    Running it again is safe. The Procfile runs it as `release`.

    On PostgreSQL it does not block your application for long: if another transaction keeps a lock, it exits with 1 and
    names that transaction.

    \b
    Example:
      DATABASE_URL=postgresql://app@db/app cobalt-mirror migrate
    """
    if math.isnan(lock_timeout):  # neither below the minimum nor above the maximum
        raise typer.BadParameter("--lock-timeout must be a number of seconds")
    settings = Settings.from_environment()
    upgrade(settings, Patience(lock=lock_timeout, tries=tries))
    typer.echo(f"the database at {settings.shown_url()} is up to date")


def worker() -> None:
    """Process events until SIGTERM.

    Runs WORKER_PROCESSES processes with WORKER_THREADS threads each. This process is replaced by dramatiq's, so signals
    and exit codes are dramatiq's: on SIGTERM or SIGHUP, work in progress is finished first.

    \b
    Example:
      WORKER_PROCESSES=4 cobalt-mirror worker
    """
    settings = ready_for_work()
    logs.configure(settings.log_level)
    for problem in list_key_problems(settings):
        log.warning("key_looks_wrong", problem=problem)
    os.environ.setdefault("dramatiq_worker_timeout", str(_IDLE_SLEEP_MS))
    os.execv(sys.executable, dramatiq_command(settings))  # noqa: S606 - our own interpreter, no shell


def dramatiq_command(settings: Settings) -> list[str]:
    """Return the command line of dramatiq's master process.

    Neither Python (-P) nor dramatiq (--path) may import from the working directory: a host's folder there could be
    called `events` or `workers`, too.
    """
    patience_ms = int(settings.lease_ttl.total_seconds() * 1_000)
    options = {
        "--processes": settings.worker_processes,
        "--threads": settings.worker_threads,
        "--worker-shutdown-timeout": patience_ms,
    }
    words = [str(word) for option in options.items() for word in option]
    return [
        sys.executable,
        "-P",
        "-m",
        "cobalt_mirror.workers.dramatiq_master",
        "cobalt_mirror.workers.main:start",
        *words,
        "--path",
    ]


def relay() -> None:
    """Send the workers a message for each account with due work.

    Runs until SIGTERM or Ctrl-C. Several relays may run at once.

    \b
    Example:
      REDIS_URL=redis://localhost:6379/0 cobalt-mirror relay
    """
    settings = ready_for_relay()
    logs.configure(settings.log_level)
    engine = create_engine(settings)
    with create_redis(settings) as client:
        broker = create_broker(client, settings)
        declare_queues(broker)
        sender = Relay(engine=engine, broker=broker, settings=settings)
        Watchdog(sender.find_fault).start()
        heartbeat = Heartbeat(ProcessKind.RELAY, engine, queues=Queues(client, settings.redis_namespace))
        heartbeat.start()
        with stop_on_signal(sender.stop.set):
            sender.run()
        heartbeat.stop()
    engine.dispose()
