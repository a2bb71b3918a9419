"""The numbers of an installation in the text format of Prometheus."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cobalt_mirror.db.gauges import Gauges
from cobalt_mirror.db.statuses import Move, NoticeStatus
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.governor import Lane
from cobalt_mirror.workers.limit_use import LaneUse
from cobalt_mirror.workers.ops.actions import Cause
from cobalt_mirror.workers.ops.causes import WATCHED
from cobalt_mirror.workers.release import release
from cobalt_mirror.workers.telemetry.report import UNKNOWN, known_type


def make_text(gauges: Gauges, limit_used: Mapping[str, LaneUse] | None, causes: Collection[Cause]) -> bytes:
    """Return what Prometheus reads.

    Args:
        gauges: what the database says.
        limit_used: what each lane uses of Cobalt's limit; None: not known.
        causes: why `status` calls for the operator.
    """
    registry = CollectorRegistry()
    registry.register(_Collected((*families(gauges), *limit_families(limit_used), *action_families(causes))))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps it by its identity
class _Collected(Collector):
    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        """Return what was read."""
        return self.families


def action_families(causes: Collection[Cause]) -> Iterator[Metric]:
    """Yield why `status` calls for the operator: each cause, also one that does not hold."""
    needed = {cause: int(cause in causes) for cause in WATCHED}
    yield _by_label("cobalt_mirror_action_needed", "1 while `status` calls for the operator.", "cause", needed)


def families(gauges: Gauges) -> Iterator[Metric]:
    """Yield the metrics. Those with a label show each of its values, also where nothing is counted."""
    types = Counter(dict.fromkeys((*map(str, EventType), UNKNOWN), 0))
    for type_, number in gauges.waiting.items():
        types[known_type(type_)] += number
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
    drift = CounterMetricFamily("cobalt_mirror_drift", "What reconciliations found.", labels=["outcome"])
    for outcome, number in gauges.drift.items():
        drift.add_metric([outcome], number)
    yield drift
    yield from _feed_families(gauges)
    yield _by_label("cobalt_mirror_build_info", "1; the label is the release.", "version", {release(): 1})


def _feed_families(gauges: Gauges) -> Iterator[Metric]:
    unnumbered, due = gauges.unnumbered_seconds, gauges.notices_due_seconds
    yield _single("cobalt_mirror_feed_lag_seconds", "Longest time a change is not in the change feed.", unnumbered)
    yield _single("cobalt_mirror_notices_due_age_seconds", "Longest time a notice is due.", due)
    notices = {NoticeStatus.PENDING: gauges.notices_pending, NoticeStatus.FAILED: gauges.notices_failed}
    yield _by_label("cobalt_mirror_notices", "Notices that wait or were given up.", "status", notices)
    disabled = gauges.receivers_disabled
    yield _single("cobalt_mirror_receivers_disabled", "Receivers to which no notices are sent.", disabled)


def limit_families(used: Mapping[str, LaneUse] | None) -> Iterator[Metric]:
    """Yield the use of the limit, if it is known: what is not known is no 0."""
    if used is not None:
        shares = {**dict.fromkeys(map(str, Lane), 0.0), **{lane: use.share for lane, use in used.items()}}
        yield _by_label("cobalt_mirror_limit_used_ratio", "Share of Cobalt's limit, in a minute.", "lane", shares)
        waits = {lane: use.wait_seconds for lane, use in used.items()}
        yield _by_label("cobalt_mirror_limit_wait_seconds", "Mean wait for the limit, in a minute.", "lane", waits)


def _single(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)


def _by_label(name: str, documentation: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([str(value)], number)
    return family
