"""Progress of a replay: a bar on a terminal, elsewhere a line every ten seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

#: Seconds between two lines when standard error is not a terminal.
LINE_SECONDS = 10.0


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Show progress on standard error inside the `with` block."""
    from rich.console import Console  # noqa: PLC0415 - a command that replays nothing does not wait for it
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lines(lambda text: typer.echo(text, err=True))
        return
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("events replayed", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def lines(
    write: Callable[[str], object], *, monotonic: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Show progress as plain lines, the last one always."""
    written_at = float("-inf")

    def show(done: int, total: int) -> None:
        nonlocal written_at
        if monotonic() - written_at >= LINE_SECONDS or done == total:
            written_at = monotonic()
            write(f"{done} of {total} events replayed")

    return show
