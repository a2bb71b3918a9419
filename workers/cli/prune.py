"""`cobalt-mirror prune`: delete what is old and not needed any more."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Annotated

import typer

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.cli.values import age
from cobalt_mirror.workers.ops.pruning import Counts, Part, Pruning
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.terminal.signals import stop_on_signal

#: Seconds between two lines of progress.
_LINE_SECONDS = 10.0
_LEAST = timedelta(days=1)
_INTERRUPTED = 130


def prune(
    *,
    older_than: Annotated[
        timedelta, typer.Option(parser=age, metavar="AGE", help="Age of what may go, such as 90d; 1d at least.")
    ] = "90d",  # type: ignore[assignment] # the parser reads it
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; print how many rows would go.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing if the exit code is 0.")] = False,
) -> None:
    """Delete what is old and not needed any more. Made for cron.

    Deletes finished events, the history, the change feed, notices, calls, and what old reconciliations noted; empties
    the bodies of notifications that are older than 7 days. Keeps what the workers still need, and events that wait or
    are dead. An event that was deleted and is published again counts as new.

    Works in small batches beside everything else. Ctrl-C stops it after the batch in progress; what is deleted by then
    stays deleted, and the next run goes on.

    \b
    Example:
      cobalt-mirror prune --older-than 90d --dry-run
    """
    if older_than < _LEAST:
        raise typer.BadParameter("--older-than must be 1d at least: ids of events are known for no longer than that")
    settings = ready_for_database()
    counts, is_stopped = _run(settings, older_than, dry_run=dry_run, quiet=quiet)
    if is_stopped or not quiet:
        typer.echo(f"{'would delete' if dry_run else 'deleted'} {_sentence(counts)}")
    if is_stopped:
        typer.echo("cobalt-mirror: interrupted; run it again to go on", err=True)
        raise typer.Exit(_INTERRUPTED)


def _run(settings: Settings, older_than: timedelta, *, dry_run: bool, quiet: bool) -> tuple[Counts, bool]:
    stop, engine = Event(), create_engine(settings)
    pruning = Pruning(
        engine=engine,
        vault=settings.vault(),
        older_than=older_than,
        is_dry_run=dry_run,
        stop=stop,
        show=_ignore if quiet else _lines(),
    )
    try:
        with stop_on_signal(stop.set):
            return pruning.run(), stop.is_set()
    finally:
        engine.dispose()


def _lines(*, monotonic: Callable[[], float] = time.monotonic) -> Callable[[Counts], None]:
    """Return a function that prints the counts on standard error, at intervals."""
    written_at = monotonic()

    def show(counts: Counts) -> None:
        nonlocal written_at
        if monotonic() - written_at >= _LINE_SECONDS:
            written_at = monotonic()
            typer.echo(f"{_sentence(counts)} so far", err=True)

    return show


def _ignore(_counts: Counts) -> None:
    """Show nothing."""


def _sentence(counts: Counts) -> str:
    return ", ".join(f"{counts[part]:,} {part}" for part in Part)
