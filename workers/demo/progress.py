"""Progress of the demo: two bars on a terminal, a plain line every other second elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 2.0


class Shown(Protocol):
    """Told how far the demo is; may be told as often as one likes."""

    def __call__(self, *, customers: int, handled: int, waiting: int) -> None:
        """Show how many customers are through, how many of their events are handled, how many wait."""


@contextmanager
def progress(console: Console, *, customers: int) -> Iterator[Shown]:
    """Show progress for as long as this is entered."""
    if not console.is_terminal:
        yield _lines(customers)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        first = bars.add_task("customers through", total=customers)
        second = bars.add_task("events handled", total=None)

        def show(*, customers: int, handled: int, waiting: int) -> None:
            bars.update(first, completed=customers)
            bars.update(second, completed=handled, total=max(handled + waiting, 1))

        yield show


def _lines(everybody: int) -> Shown:
    started, told_at = time.monotonic(), float("-inf")

    def show(*, customers: int, handled: int, waiting: int) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at < _LINE_SECONDS:
            return
        told_at = now
        typer.echo(
            f"{now - started:5.0f} s  {customers} of {everybody} customers through, {handled} events handled,"
            f" {waiting} waiting"
        )

    return show
