"""Progress of a reconciliation: a bar on a terminal, elsewhere a line every ten seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
from cobalt_mirror.workers.terminal.words import duration

#: Seconds between two lines when standard error is not a terminal.
LINE_SECONDS = 10.0

_TITLES = {Stage.WALK: "accounts compared", Stage.READ: "subjects read"}


@contextmanager
def progress(console: Console) -> Iterator[ShowProgress]:
    """Show progress inside the `with` block."""
    if not console.is_terminal:
        yield lines(lambda text: typer.echo(text, err=True))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {stage: bars.add_task(title, total=None, visible=False) for stage, title in _TITLES.items()}

        def show(stage: Stage, *, done: int, total: int | None) -> None:
            bars.update(tasks[stage], completed=done, total=total, visible=True)

        yield show


def lines(write: Callable[[str], object], *, monotonic: Callable[[], float] = time.monotonic) -> ShowProgress:
    """Show progress as plain lines.

    Args:
        write: Prints one line.
        monotonic: Clock for the interval between lines and for the estimate, in seconds.
    """
    written_at = float("-inf")
    began: dict[Stage, tuple[float, int]] = {}

    def show(stage: Stage, *, done: int, total: int | None) -> None:
        nonlocal written_at
        now = monotonic()
        since, before = began.setdefault(stage, (now, done))
        if now - written_at < LINE_SECONDS and done != total:
            return
        written_at = now
        of_total = "" if total is None else f" of {total}"
        write(f"{done}{of_total} {_TITLES[stage]}{remaining(now - since, done - before, done, total)}")

    return show


def remaining(seconds: float, done_since: int, done: int, total: int | None) -> str:
    """Return an estimate of the time left for this stage, at its speed so far; empty while it cannot be estimated."""
    if total is None or done_since <= 0 or done >= total:
        return ""
    return f", about {duration(timedelta(seconds=seconds / done_since * (total - done)))} left for this stage"
