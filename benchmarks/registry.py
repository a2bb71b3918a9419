"""Every benchmark by its name. A new one is one entry here."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from benchmarks import (
    calls,
    explain,
    held,
    integrations,
    lanes,
    latency,
    limit,
    outage,
    pruning,
    publishing,
    reconcile,
    recording,
    shares,
    throughput,
    webhook,
)
from benchmarks.figures import Benchmark, Figure
from benchmarks.place import DATABASES, EITHER, POSTGRESQL, Say


def _on_each(measure: Callable[[str, Say], Iterable[Figure]]) -> dict[str, Benchmark]:
    """A benchmark that takes the database to run on."""
    return {database: partial(measure, database) for database in DATABASES}


#: By name and database: `{"limit": {POSTGRESQL: limit.measure}}`. One that chooses its databases itself, or needs
#: none, is under EITHER and runs whatever databases are chosen.
BENCHMARKS: Mapping[str, Mapping[str, Benchmark]] = {
    "throughput": _on_each(throughput.measure),
    "publish": _on_each(publishing.measure),
    "integrations": _on_each(integrations.measure),
    "reconcile": _on_each(reconcile.measure),
    "limit": {POSTGRESQL: limit.use_of_the_limit},
    "lanes": {POSTGRESQL: lanes.lanes},
    "calls": {POSTGRESQL: calls.per_event},
    "explain": _on_each(explain.measure),
    "recording": _on_each(recording.measure),
    "latency": {one: partial(latency.at_rest, databases=[one]) for one in DATABASES},
    "full-log": {POSTGRESQL: latency.with_a_full_log},
    "webhook": {one: partial(webhook.notifications, databases=[one]) for one in DATABASES},
    "outage": {POSTGRESQL: outage.time_to_agreement},
    "prune": _on_each(pruning.measure),
    "held": {POSTGRESQL: held.looks},
    "shares": {POSTGRESQL: shares.beside_failing_accounts},
}

__all__ = ["BENCHMARKS", "DATABASES", "EITHER", "POSTGRESQL"]
