"""What a worker checks before its processes start, so that it ends with a sentence instead of counting nowhere."""

import os
import socket

from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.folder import VARIABLE, make_empty_folder


def prepare_worker(settings: Settings) -> None:
    """Check that a worker's processes can serve, and name an empty folder for their numbers in the environment.

    Raises:
        NotReady: The port is taken, or the folder cannot be made. The text says what to correct.
    """
    host, port = settings.metrics_host, settings.worker_metrics_port
    if port is None:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            pass
    except OSError as error:
        raise cannot_listen(host, port, "WORKER_METRICS_PORT", error) from error
    os.environ[VARIABLE] = str(make_empty_folder(port))


def cannot_listen(host: str, port: int, variable: str, error: OSError) -> NotReady:
    """Return the error that says so."""
    return NotReady(f"cannot listen at {host}, port {port} ({error.strerror}); correct METRICS_HOST or {variable}")
