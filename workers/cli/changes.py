"""`cobalt-mirror changes`: print the change feed."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Annotated

import typer

from cobalt_mirror.db import FeedEntry
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.ops.feed import follow as follow_changes
from cobalt_mirror.workers.ops.feed import read_changes
from cobalt_mirror.workers.ops.readiness import ready_for_database
from cobalt_mirror.workers.terminal.output import print_json, print_json_line, print_line
from cobalt_mirror.workers.terminal.signals import stop_on_signal
from cobalt_mirror.workers.terminal.words import cell

_LIMIT = 100
#: The width of a position, with the space after it.
_POSITION_WIDTH = 8
#: Seconds between two looks of `--follow`.
_LOOK_SECONDS = 0.25


def changes(
    *,
    after: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=LARGEST_POSITION,
            help="Position of the last entry that you have; default: begin with the oldest that is kept.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Largest number of entries; default: 100, with --follow no limit."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print new entries as they come, until Ctrl-C.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; with --follow, one on each line.")
    ] = False,
) -> None:
    """Print the change feed: every real change, once and in order.

    Each entry has a position, one higher than the one before. The last one that you have is what --after takes, and
    nothing is lost between two runs. If entries after it were pruned, or the feed ends before it, the command
    says so and fails.

    \b
    Example:
      cobalt-mirror changes --after 120 --follow --json
    """
    with _numbering() as numbering:
        if follow:
            _follow(numbering, after, limit, as_json=as_json)
            return
        entries = read_changes(numbering, after=after, limit=_LIMIT if limit is None else limit)
    if as_json:
        print_json(entries)
        return
    _print(entries)
    if not entries:
        typer.echo("no changes" if after is None else f"no changes after {after}")


@contextmanager
def _numbering() -> Iterator[Numbering]:
    engine = create_engine(ready_for_database())
    try:
        yield Numbering(engine)
    finally:
        engine.dispose()


def _follow(numbering: Numbering, after: int | None, limit: int | None, *, as_json: bool) -> None:
    stopped = threading.Event()
    with stop_on_signal(stopped.set):
        pages = follow_changes(numbering, after=after, wait=lambda: stopped.wait(_LOOK_SECONDS))
        for entry in islice(chain.from_iterable(pages), limit):
            if as_json:
                print_json_line(entry)
            else:
                _print([entry])


def _print(entries: Iterable[FeedEntry]) -> None:
    for entry in entries:
        names = (entry.linked_account_id, entry.slug, entry.connection_id, entry.config_id)
        subject = " ".join(cell(name) for name in names if name is not None)
        data = cell(entry.data) if entry.data else ""
        words = (cell(entry.recorded_at), f"{entry.type:<26}", subject, data)
        line = "  ".join(word for word in words if word).rstrip()
        print_line(f"{entry.position:>6}", line, indent=_POSITION_WIDTH)
