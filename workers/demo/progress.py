"""Progress of the demo: two bars on a terminal, elsewhere a line every two seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 2.0


class ShowProgress(Protocol):
    """A function that shows the progress of the demo. It may be called at any rate."""

    def __call__(self, *, customers: int, handled: int, waiting: int) -> None:
        """Show how many customers are done, and how many of their events are handled and waiting."""


@contextmanager
def progress(console: Console, *, customers: int) -> Iterator[ShowProgress]:
    """Show progress inside the `with` block."""
    if not console.is_terminal:
        yield _lines(customers)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        customers_done = bars.add_task("customers done", total=customers)
        events_handled = bars.add_task("events handled", total=None)

        def show(*, customers: int, handled: int, waiting: int) -> None:
            bars.update(customers_done, completed=customers)
            bars.update(events_handled, completed=handled, total=max(handled + waiting, 1))

        yield show


def _lines(total: int) -> ShowProgress:
    started, written_at = time.monotonic(), float("-inf")

    def show(*, customers: int, handled: int, waiting: int) -> None:
        nonlocal written_at
        now = time.monotonic()
        if now - written_at < _LINE_SECONDS:
            return
        written_at = now
        typer.echo(
            f"{now - started:5.0f} s  {customers} of {total} customers done, {handled} events handled,"
            f" {waiting} waiting"
        )

    return show
