"""Reads the change feed for the command line and for `web`, which need no relay to see what is committed."""

from collections.abc import Callable, Iterator

from cobalt_mirror.db import FeedEntry, changes
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.feed import Numbering

#: How many entries `follow` reads at a time.
PAGE = 1_000


def read_changes(numbering: Numbering, *, after: int | None, limit: int) -> list[FeedEntry]:
    """Give positions to what is committed, then list entries; see `changes`.

    Raises:
        PositionLost: Entries after `after` were pruned, or the feed ends before it.
    """
    numbering.run()
    with reading(numbering.engine).begin() as connection:
        return changes(connection, after=after, limit=limit)


def follow(numbering: Numbering, *, after: int | None, wait: Callable[[], bool]) -> Iterator[list[FeedEntry]]:
    """Yield the entries after a position, and then new ones as they come.

    Args:
        numbering: Of the database.
        after: The position; None: begin with the oldest entry that is kept.
        wait: Waits a moment, and returns whether to stop.
    """
    while True:
        page = read_changes(numbering, after=after, limit=PAGE)
        if page:
            after = page[-1].position
            yield page
        if len(page) < PAGE and wait():
            return
