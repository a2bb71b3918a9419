"""`cobalt-mirror worker`: check the settings, then become dramatiq."""

import os
import sys

import structlog

from cobalt_mirror.workers import logs
from cobalt_mirror.workers.ops.readiness import list_key_problems, ready_for_work
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.preparing import prepare_worker

log = structlog.get_logger()

#: How long an idle thread of dramatiq sleeps before it looks whether the process ends, in milliseconds; its default is
#: 1,000. Messages do not wait for that (see `workers/doorbell.py`). dramatiq reads it from the environment only.
_IDLE_SLEEP_MS = 100


def worker() -> None:
    """Process events until SIGTERM.

    Runs WORKER_PROCESSES processes with WORKER_THREADS threads each. This process is replaced by dramatiq's, so signals
    and exit codes are dramatiq's: on SIGTERM or SIGHUP, work in progress is finished first.

    \b
    Example:
      WORKER_PROCESSES=4 cobalt-mirror worker
    """
    settings = ready_for_work()
    logs.configure(settings.log_level, settings.log_format)
    for problem in list_key_problems(settings):
        log.warning("key_looks_wrong", problem=problem)
    _check_receivers(settings)
    prepare_worker(settings)
    os.environ.setdefault("dramatiq_worker_timeout", str(_IDLE_SLEEP_MS))
    os.execv(sys.executable, dramatiq_command(settings))  # noqa: S606 - our own interpreter, no shell


def _check_receivers(settings: Settings) -> None:
    """Check the receivers of notices, so that a mistake is one sentence and not a traceback of each process."""
    settings.endpoints()
    if settings.handlers_module is not None:
        from cobalt_mirror.workers.notices.starting import load_handlers_of  # noqa: PLC0415 - it loads httpx

        load_handlers_of(settings)


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
