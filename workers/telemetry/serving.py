"""Serve a process's numbers at a port of its own, for Prometheus. `prometheus_client` is loaded only for that."""

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.folder import VARIABLE
from cobalt_mirror.workers.telemetry.observing import Observer, Observers
from cobalt_mirror.workers.telemetry.preparing import cannot_listen

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def count_worker(settings: Settings) -> tuple[Observer, ...]:
    """In a process of a worker: begin to count. One of the processes serves the sum of all."""
    port = settings.worker_metrics_port
    if port is None:
        return ()
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from cobalt_mirror.workers.telemetry.metrics import AllProcesses, Metrics  # noqa: PLC0415

    served = CollectorRegistry()
    served.register(AllProcesses(Path(os.environ[VARIABLE])))
    try:
        _serve(served, settings.metrics_host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # else another process of this worker serves
            raise cannot_listen(settings.metrics_host, port, "WORKER_METRICS_PORT", error) from error
    return (Metrics(CollectorRegistry()),)


def observe_relay(settings: Settings) -> Observers:
    """In a relay: begin to count, and serve.

    Raises:
        NotReady: The port is taken. The text says what to correct.
    """
    port = settings.relay_metrics_port
    if port is None:
        return Observers()
    os.environ.pop(VARIABLE, None)  # a host's: one process needs no files
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from cobalt_mirror.workers.telemetry.metrics import Metrics  # noqa: PLC0415

    registry = CollectorRegistry()
    try:
        _serve(registry, settings.metrics_host, port)
    except OSError as error:
        raise cannot_listen(settings.metrics_host, port, "RELAY_METRICS_PORT", error) from error
    return Observers((Metrics(registry),))


def _serve(registry: "CollectorRegistry", host: str, port: int) -> None:
    from prometheus_client import disable_created_metrics, start_http_server  # noqa: PLC0415

    from cobalt_mirror.workers.telemetry.metrics import BuildInfo  # noqa: PLC0415

    disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each one, which is of no use here
    start_http_server(port, addr=host, registry=registry)
    registry.register(BuildInfo())
