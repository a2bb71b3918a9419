"""Counters and histograms of workers and relays for Prometheus. Importing this loads `prometheus_client`.

No label holds an id: types, outcomes, path templates and queues are closed sets, and so are statuses of HTTP.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.workers.governor import Lane
from cobalt_mirror.workers.release import release
from cobalt_mirror.workers.telemetry.observing import Observer
from cobalt_mirror.workers.telemetry.report import Ending

#: The limits of the buckets, in seconds: of a call, whose deadline is 10 s; of a wait, at most 2 s; of an event's way.
CALL_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
WAIT_BUCKETS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2)
EVENT_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400)


class Metrics(Observer):
    """The numbers of one process. Safe to share between threads.

    Args:
        registry: Which gets them.
        lane: The lane of the process's calls.
    """

    def __init__(self, registry: CollectorRegistry, *, lane: Lane = Lane.LIVE) -> None:
        self._lane = str(lane)
        self._attempts = Counter(
            "cobalt_mirror_attempts",
            "Events, and checks, that attempts decided about.",
            ["type", "outcome"],
            registry=registry,
        )
        self._published = Histogram(
            "cobalt_mirror_publish_to_mirror_seconds",
            "From the event's receipt to the end of the attempt that carried it out.",
            ["type"],
            buckets=EVENT_BUCKETS,
            registry=registry,
        )
        self._calls = Counter(
            "cobalt_mirror_cobalt_calls",
            "Calls to Cobalt; the status is that of HTTP, or none: no complete answer.",
            ["method", "path", "status"],
            registry=registry,
        )
        self._took = Histogram(
            "cobalt_mirror_cobalt_call_seconds",
            "How long calls to Cobalt took, without the wait for the governor.",
            ["path"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self._waited = Histogram(
            "cobalt_mirror_governor_wait_seconds",
            "How long calls waited for the governor.",
            ["lane"],
            buckets=WAIT_BUCKETS,
            registry=registry,
        )
        self._messages = Counter(
            "cobalt_mirror_messages_sent", "Messages that the relay sent.", ["queue"], registry=registry
        )

    def called(self, exchanged: Exchanged) -> None:
        """Count a request, or that the governor did not let it through."""
        self._waited.labels(self._lane).observe(exchanged.waited_seconds)
        status = "not_sent" if not exchanged.is_sent else str(exchanged.status or "none")
        self._calls.labels(exchanged.method, exchanged.template, status).inc()
        if exchanged.is_sent:
            self._took.labels(exchanged.template).observe(exchanged.took_seconds)

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Count how an attempt ended."""
        for ending in endings:
            self._attempts.labels(ending.type, ending.outcome).inc()
            if ending.seconds is not None:
                self._published.labels(ending.type).observe(ending.seconds)

    def sent(self, queue: str) -> None:
        """Count a message."""
        self._messages.labels(queue).inc()


class AllProcesses(Collector):
    """The sums of what the processes of a worker keep in their folder.

    A process makes its file before it gives it a length. The library's own collector fails at a file without one, and
    one process that is killed there would end the numbers of all the others for as long as the worker runs.

    Args:
        folder: Where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Add up what was counted so far."""
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        sums: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return sums


class BuildInfo(Collector):
    """The release of the process that serves."""

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        family = GaugeMetricFamily("cobalt_mirror_build_info", "1; the label is the release.", labels=["version"])
        family.add_metric([release()], 1)
        return [family]
