"""What a benchmark comes back with: figures, each with what it is held against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured, such as `publish in the host's own session`.
        database: `PostgreSQL`, `SQLite`, or empty where none plays a part.
        value: the figure.
        unit: such as `x`, `ms`, `%`, `/s`, `MB`.
        against: what it is compared with, measured in the same run; empty: nothing.
        bar: the bar in words, such as `at most 1.5`; empty: the figure is only reported.
        holds: whether the bar is kept; None: there is none (bars are for PostgreSQL; SQLite is reported).
        detail: what the figure was computed from, by name: raw values, counts, percentiles.
    """

    name: str
    database: str = ""
    value: float
    unit: str
    against: str = ""
    bar: str = ""
    holds: bool | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def at_most(bar: float, value: float, database: str) -> dict[str, Any]:
    """The `bar` and `holds` of a figure that may not be above a bar."""
    return {"bar": f"at most {bar:g}", "holds": value <= bar if database != "SQLite" else None}


def at_least(bar: float, value: float, database: str) -> dict[str, Any]:
    """The `bar` and `holds` of a figure that may not be below a bar."""
    return {"bar": f"at least {bar:g}", "holds": value >= bar if database != "SQLite" else None}


#: A benchmark. It is told how to say what it is doing, and gives figures as it finds them.
Benchmark = Callable[[Callable[[str], None]], Iterable[Figure]]
