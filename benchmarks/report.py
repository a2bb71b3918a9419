"""What a run of the benchmarks leaves: a table for people, JSON for programs, Markdown for a page."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.figures import Figure
from cobalt_mirror.workers.terminal.output import table

_COLUMNS = ("figure", "database", "value", "against", "bar", "holds")


@dataclass(slots=True, kw_only=True)
class Report:
    """Figures and where they were measured.

    Attributes:
        began_at: when the run began.
        machine: what it ran on.
        figures: in the order in which they were found.
        is_whole: whether every benchmark that was asked for came to its end.
    """

    began_at: datetime
    machine: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    is_whole: bool = False

    @property
    def broken(self) -> list[Figure]:
        """The figures whose bar does not hold."""
        return [one for one in self.figures if one.holds is False]

    def save(self, folder: Path) -> Path:
        """Write the report as JSON, over an earlier state of the same one; its path."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.began_at:%Y-%m-%d-%H%M%S}.json"
        document = {**asdict(self), "began_at": self.began_at.isoformat()}
        file.write_text(json.dumps(document, indent=2) + "\n")
        return file

    @classmethod
    def load(cls, file: Path) -> "Report":
        """Read what `save` wrote."""
        told = json.loads(file.read_text())
        told["began_at"] = datetime.fromisoformat(told["began_at"])
        return cls(**{**told, "figures": [Figure(**one) for one in told["figures"]]})

    def as_table(self) -> Table:
        """For a terminal."""
        return table(f"benchmarks of {self.began_at:%Y-%m-%d %H:%M} UTC", _COLUMNS, self._rows())

    def as_markdown(self) -> str:
        """For a page: date, machine, table, and what each figure was computed from."""
        rows = [_COLUMNS, ["---"] * len(_COLUMNS), *self._rows()]
        lines = [f"Measured on {self.began_at:%Y-%m-%d} on {_listed(self.machine)}.", ""]
        lines += [f"| {' | '.join(_escaped(row))} |" for row in rows]
        told = [one for one in self.figures if one.detail]
        lines += ["", "What the figures were computed from:", ""] if told else []
        lines += [f"- {one.name}{_on(one)}: {_listed(one.detail)}" for one in told]
        return "\n".join(lines)

    def _rows(self) -> list[Sequence[str]]:
        return [
            (one.name, one.database, f"{_shown(one.value)} {one.unit}", one.against, one.bar, _HOLDS[one.holds])
            for one in self.figures
        ]


_HOLDS = {None: "", True: "yes", False: "NO"}


def _on(one: Figure) -> str:
    return f", {one.database}" if one.database else ""


def _shown(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _listed(told: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in told.items())


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return _shown(value)
    if isinstance(value, list):
        return "[" + ", ".join(_plain(each) for each in value) + "]"
    return "(" + _listed(value) + ")" if isinstance(value, dict) else str(value)


def _escaped(cells: Iterable[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]
