"""The report of a run: a table for people, JSON for programs, Markdown for a page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.figures import Figure
from cobalt_mirror.workers.terminal.output import print_table

_COLUMNS = ("figure", "database", "value", "against", "bar", "holds")


@dataclass(slots=True, kw_only=True)
class Report:
    """The figures of a run, and the machine.

    Attributes:
        began_at: When the run began.
        machine: Description of the machine.
        figures: In the order in which they were measured.
        is_whole: Whether all benchmarks finished.
    """

    began_at: datetime
    machine: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    is_whole: bool = False

    @property
    def broken(self) -> list[Figure]:
        """The figures that miss their bar."""
        return [figure for figure in self.figures if figure.holds is False]

    def save(self, folder: Path) -> Path:
        """Write the report as JSON, over an earlier state of the same report, and return the path."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.began_at:%Y-%m-%d-%H%M%S}.json"
        document = {**asdict(self), "began_at": self.began_at.isoformat()}
        file.write_text(json.dumps(document, indent=2) + "\n")
        return file

    @classmethod
    def load(cls, file: Path) -> "Report":
        """Read a report that `save` wrote."""
        document = json.loads(file.read_text())
        document["began_at"] = datetime.fromisoformat(document["began_at"])
        return cls(**{**document, "figures": [Figure(**figure) for figure in document["figures"]]})

    def print(self, screen: Console) -> None:
        """Print a table."""
        print_table(screen, f"benchmarks of {self.began_at:%Y-%m-%d %H:%M} UTC", _COLUMNS, self._rows())

    def as_markdown(self) -> str:
        """Return Markdown for a page: date, machine, table, and what each figure was computed from."""
        rows = [_COLUMNS, ["---"] * len(_COLUMNS), *self._rows()]
        lines = [f"Measured on {self.began_at:%Y-%m-%d} on {_listed(self.machine)}.", ""]
        lines += [f"| {' | '.join(_escaped(row))} |" for row in rows]
        detailed = [figure for figure in self.figures if figure.detail]
        lines += ["", "What the figures were computed from:", ""] if detailed else []
        lines += [f"- {figure.name}{_on(figure)}: {_listed(figure.detail)}" for figure in detailed]
        return "\n".join(lines)

    def _rows(self) -> list[Sequence[str]]:
        return [
            (
                figure.name,
                figure.database,
                f"{_rounded(figure.value)} {figure.unit}",
                figure.against,
                figure.bar,
                _HOLDS[figure.holds],
            )
            for figure in self.figures
        ]


_HOLDS = {None: "", True: "yes", False: "NO"}


def _on(figure: Figure) -> str:
    return f", {figure.database}" if figure.database else ""


def _rounded(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, list):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return "(" + _listed(value) + ")" if isinstance(value, dict) else str(value)


def _escaped(cells: Iterable[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]
