"""The figures that a benchmark yields, each with its bar."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        name: What was measured, such as `publish in the host's own session`.
        database: `PostgreSQL`, `SQLite`, or empty if none is involved.
        value: The value.
        unit: such as `x`, `ms`, `%`, `/s`, `MB`.
        against: What it is compared with, measured in the same run; empty if nothing.
        bar: The bar in words, such as `at most 1.5`; empty if the figure is only reported.
        holds: Whether the bar is met; None if there is none (bars are for PostgreSQL; SQLite is reported).
        detail: What the figure was computed from, by name: raw values, counts, percentiles.
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
    """Return the `bar` and `holds` of a figure that must not exceed a bar."""
    return {"bar": f"at most {bar:g}", "holds": value <= bar if database != "SQLite" else None}


def at_least(bar: float, value: float, database: str) -> dict[str, Any]:
    """Return the `bar` and `holds` of a figure that must reach a bar."""
    return {"bar": f"at least {bar:g}", "holds": value >= bar if database != "SQLite" else None}


#: A benchmark: it takes a function that prints progress, and yields figures as it measures them.
Benchmark = Callable[[Callable[[str], None]], Iterable[Figure]]
