"""Every benchmark by its name. A new one is one entry here."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from benchmarks import integrations, publishing, reconcile, throughput
from benchmarks.figures import Benchmark, Figure
from benchmarks.place import DATABASES, EITHER, POSTGRESQL, Say


def _on_each(measure: Callable[[str, Say], Iterable[Figure]]) -> dict[str, Benchmark]:
    """A benchmark that is told which database to run on."""
    return {database: partial(measure, database) for database in DATABASES}


#: By name and database: `{"limit": {POSTGRESQL: limit.measure}}`. One that sees to its databases by itself, or needs
#: none, stands under EITHER and is run whatever databases are chosen.
BENCHMARKS: Mapping[str, Mapping[str, Benchmark]] = {
    "throughput": _on_each(throughput.measure),
    "publish": _on_each(publishing.measure),
    "integrations": _on_each(integrations.measure),
    "reconcile": _on_each(reconcile.measure),
}

__all__ = ["BENCHMARKS", "DATABASES", "EITHER", "POSTGRESQL"]
