"""Progress of a reconciliation: a bar on a terminal, a plain line every now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cobalt_mirror.workers.reconcile.progress import Progress as Shown
from cobalt_mirror.workers.reconcile.progress import Stage
from cobalt_mirror.workers.terminal.output import duration

#: Between two lines where no terminal is, in seconds.
LINE_SECONDS = 10.0

_TITLES = {Stage.WALK: "accounts compared", Stage.READ: "subjects read"}


@contextmanager
def progress(console: Console) -> Iterator[Shown]:
    """Show progress for as long as this is entered."""
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


def lines(write: Callable[[str], object], *, monotonic: Callable[[], float] = time.monotonic) -> Shown:
    """Progress as plain lines.

    Args:
        write: takes one line.
        monotonic: the clock of the lines and of the estimate, in seconds.
    """
    told_at = float("-inf")
    began: dict[Stage, tuple[float, int]] = {}

    def show(stage: Stage, *, done: int, total: int | None) -> None:
        nonlocal told_at
        now = monotonic()
        since, before = began.setdefault(stage, (now, done))
        if now - told_at < LINE_SECONDS and done != total:
            return
        told_at = now
        whole = "" if total is None else f" of {total}"
        write(f"{done}{whole} {_TITLES[stage]}{remaining(now - since, done - before, done, total)}")

    return show


def remaining(seconds: float, done_since: int, done: int, total: int | None) -> str:
    """How long this part still takes at the speed so far; nothing where nobody can tell."""
    if total is None or done_since <= 0 or done >= total:
        return ""
    return f", about {duration(timedelta(seconds=seconds / done_since * (total - done)))} to go with this part"
