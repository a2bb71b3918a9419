"""`GET /metrics`: what is true of the whole installation, for Prometheus, from one read that is kept for a while."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.gauges import Gauges, read_gauges
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.bearer import check_bearer

#: For how long one read is answered again, in seconds: several Prometheus servers cost no more than one.
KEPT_SECONDS = 10.0


@dataclass(slots=True)
class MetricsEndpoint:
    """The endpoint for Prometheus. It requires `METRICS_TOKEN` as bearer token, and names no customer."""

    settings: Settings
    engine: Engine
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[float, bytes] | None = None

    async def receive(self, request: Request) -> Response:
        """Answer in the text format of Prometheus."""
        check_bearer(request, self.settings.metrics_token, variable="METRICS_TOKEN", endpoint="GET /metrics")
        return Response(await run_in_threadpool(self._read), media_type=CONTENT_TYPE_LATEST)

    def _read(self) -> bytes:
        with self._lock:  # who asks meanwhile gets the same answer
            if self._kept is None or self.monotonic() - self._kept[0] >= KEPT_SECONDS:
                with reading(self.engine).begin() as connection:
                    gauges = read_gauges(connection, self.clock(connection))
                registry = CollectorRegistry()
                registry.register(_Collected(tuple(families(gauges))))
                self._kept = self.monotonic(), generate_latest(registry)
            return self._kept[1]


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps it by its identity
class _Collected(Collector):
    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        """Return what was read."""
        return self.families


def families(gauges: Gauges) -> Iterator[Metric]:
    """Yield the metrics. Those with a label show each of its values, also where nothing is counted."""
    types = {**dict.fromkeys(map(str, EventType), 0), **gauges.waiting}
    yield _by_label("cobalt_mirror_events_waiting", "Pending events, due or not.", "type", types)
    yield _single("cobalt_mirror_oldest_due_age_seconds", "Longest time an event is due.", gauges.oldest_due_seconds)
    yield _by_label("cobalt_mirror_events_dead", "Dead events, by who has to act.", "move", gauges.dead)
    halted = {move: int(gauges.halted is move) for move in Move}
    yield _by_label("cobalt_mirror_halted", "1 while no calls are made, by who has to act.", "move", halted)
    yield _single("cobalt_mirror_pauses", "Pauses in force.", gauges.pauses)
    yield _by_label("cobalt_mirror_connections", "Connections of the mirror.", "status", gauges.connections)
    yield _by_label("cobalt_mirror_processes", "Processes with a heartbeat.", "kind", gauges.processes)
    times = {
        "cobalt_mirror_last_complete_reconcile_timestamp_seconds": (
            "When the last complete reconciliation began; 0: never.",
            gauges.passed_at,
        ),
        "cobalt_mirror_last_notification_timestamp_seconds": (
            "When Cobalt's last notification came; 0: never.",
            gauges.notified_at,
        ),
    }
    for name, (documentation, moment) in times.items():
        yield _single(name, documentation, 0.0 if moment is None else moment.timestamp())
    yield _by_label("cobalt_mirror_build_info", "1; the label is the release.", "version", {_release(): 1})


def _single(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _by_label(name: str, documentation: str, label: str, values: Mapping[Any, int]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([str(value)], number)
    return family


def _release() -> str:
    try:
        return version("cobalt-mirror")
    except PackageNotFoundError:
        return "unknown"
