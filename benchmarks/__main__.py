"""`python -m benchmarks`: measures, prints a table, writes JSON, and fails if a bar does not hold."""

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
    names: Annotated[list[str] | None, typer.Argument(help="Which to run; all when none is named.")] = None,
    database: Annotated[list[str] | None, typer.Option(help="postgresql or sqlite; both when left out.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
    of: Annotated[
        Path | None, typer.Option(help="The JSON file of an earlier run: print that and measure nothing.", exists=True)
    ] = None,
) -> None:
    """Measure, print a table, and write var/bench/DATE-TIME.json. Exits with 1 if a bar does not hold.

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
    known: Mapping[str, Mapping[str, Benchmark]], names: Iterable[str], databases: Iterable[str]
) -> dict[str, Benchmark]:
    """The benchmarks that are asked for, each under a name that tells its database too.

    Raises:
        typer.BadParameter: there is no such benchmark, no such database, or the benchmark does not run on it.
    """
    wanted = [_find(name, known, "benchmark") for name in names] or list(known)
    places = [EITHER, *([_find(one, DATABASES, "database") for one in databases] or DATABASES)]
    found = {
        f"{name} on {place}" if place else name: known[name][place]
        for name in wanted
        for place in places
        if place in known[name]
    }
    if not found:
        raise typer.BadParameter(f"{', '.join(wanted)}: does not run on {', '.join(filter(None, places))}")
    return found


def _find(name: str, known: Iterable[str], what: str) -> str:
    for one in known:
        if one.lower() == name.lower():
            return one
    raise typer.BadParameter(f"there is no {what} {name!r}; there are: {', '.join(known)}")


def run(chosen: Mapping[str, Benchmark], folder: Path, *, machine: Mapping[str, Any]) -> Report:
    """Run benchmarks one after the other. What was found is saved after each figure, for the next one may fail."""
    report = Report(began_at=datetime.now(UTC).replace(microsecond=0), machine=dict(machine))
    for name, benchmark in chosen.items():
        for figure in _told(name, benchmark):
            report.figures.append(figure)
            report.save(folder)
    report.is_whole = True
    report.machine["load after"] = round(load(), 2)
    typer.echo(f"written to {report.save(folder)}", err=True)
    return report


def _told(name: str, benchmark: Benchmark) -> Iterator[Figure]:
    """The figures of one benchmark, with progress in lines on standard error."""
    began = time.monotonic()

    def say(text: str) -> None:
        typer.echo(f"{time.monotonic() - began:5.0f} s  {name}: {text}", err=True)

    say("begins")
    for figure in benchmark(say):
        say(f"{figure.name}: {figure.value:.4g} {figure.unit}")
        yield figure


def show(report: Report, *, markdown: bool = False) -> int:
    """Print what a run found.

    Returns:
        The exit code: 0 if every bar holds, else 1.
    """
    if markdown:
        typer.echo(report.as_markdown())
    else:
        screen = console()
        screen.print(report.as_table())
        kept = [one for one in report.figures if one.holds is not None]
        screen.print(f"{len(kept) - len(report.broken)} of {len(kept)} bars hold")
    return 1 if report.broken else 0


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command()(main)

if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
