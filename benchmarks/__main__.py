"""`python -m benchmarks`: measure, print a table, write JSON, and fail if a bar is missed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.figures import Benchmark, Figure
from benchmarks.machine import describe_machine, load
from benchmarks.place import DATABASES, EITHER
from benchmarks.registry import BENCHMARKS
from benchmarks.report import Report
from cobalt_mirror.workers.terminal.output import console
from cobalt_mirror.workers.terminal.signals import exit_on_signal

FOLDER = Path("var", "bench")


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks to run; all when left out.")] = None,
    database: Annotated[
        list[str] | None, typer.Option(help="Database: postgresql or sqlite; both when left out.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
    of: Annotated[
        Path | None, typer.Option(help="JSON file of an earlier run, to print instead of measuring.", exists=True)
    ] = None,
) -> None:
    """Measure, print a table, and write var/bench/DATE-TIME.json. Exits with 1 if a bar is missed.

    \b
    Example:
      python -m benchmarks throughput publish --database postgresql
    """
    if of is not None:
        raise typer.Exit(show(Report.load(of), markdown=markdown))
    chosen = choose(BENCHMARKS, names or [], database or [])
    with exit_on_signal():
        report = run(chosen, FOLDER, machine=describe_machine())
    raise typer.Exit(show(report, markdown=markdown))


def choose(
    benchmarks: Mapping[str, Mapping[str, Benchmark]], names: Iterable[str], databases: Iterable[str]
) -> dict[str, Benchmark]:
    """Return the benchmarks to run, each under a name that includes its database.

    Raises:
        typer.BadParameter: There is no such benchmark or database, or the benchmark does not run on it.
    """
    selected = [_find(name, benchmarks, "benchmark") for name in names] or list(benchmarks)
    places = [EITHER, *([_find(database, DATABASES, "database") for database in databases] or DATABASES)]
    chosen = {
        f"{name} on {place}" if place else name: benchmarks[name][place]
        for name in selected
        for place in places
        if place in benchmarks[name]
    }
    if not chosen:
        raise typer.BadParameter(f"{', '.join(selected)}: does not run on {', '.join(filter(None, places))}")
    return chosen


def _find(name: str, candidates: Iterable[str], noun: str) -> str:
    for candidate in candidates:
        if candidate.lower() == name.lower():
            return candidate
    raise typer.BadParameter(f"no {noun} {name!r}; use one of: {', '.join(candidates)}")


def run(chosen: Mapping[str, Benchmark], folder: Path, *, machine: Mapping[str, Any]) -> Report:
    """Run benchmarks one after the other, and save the report after each figure, as the next one may fail."""
    report = Report(began_at=datetime.now(UTC).replace(microsecond=0), machine=dict(machine))
    for name, benchmark in chosen.items():
        for figure in _measure(name, benchmark):
            report.figures.append(figure)
            report.save(folder)
    report.is_whole = True
    report.machine["load after"] = round(load(), 2)
    typer.echo(f"written to {report.save(folder)}", err=True)
    return report


def _measure(name: str, benchmark: Benchmark) -> Iterator[Figure]:
    """Yield the figures of one benchmark, and print progress on standard error."""
    began = time.monotonic()

    def say(text: str) -> None:
        typer.echo(f"{time.monotonic() - began:5.0f} s  {name}: {text}", err=True)

    say("started")
    for figure in benchmark(say):
        say(f"{figure.name}: {figure.value:.4g} {figure.unit}")
        yield figure


def show(report: Report, *, markdown: bool = False) -> int:
    """Print a report.

    Returns:
        The exit code: 0 if every bar holds, else 1.
    """
    if markdown:
        typer.echo(report.as_markdown())
    else:
        screen = console()
        report.print(screen)
        judged = [figure for figure in report.figures if figure.holds is not None]
        screen.print(f"{len(judged) - len(report.broken)} of {len(judged)} bars hold")
    return 1 if report.broken else 0


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
