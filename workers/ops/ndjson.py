"""CloudEvents one a line: good lines go into the log in batches, every bad one is named with its number."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import typer
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.errors import NoSecretKeys
from cobalt_mirror.events import Event, EventError, parse_cloudevent, publish_many
from cobalt_mirror.workers.errors import NotReady
from cobalt_mirror.workers.terminal.failures import describe

#: Events a transaction.
_BATCH = 500
#: The longest line that is read, in bytes: the largest payload with every character of it escaped, and the envelope.
_LONGEST_LINE = 2 * 1024 * 1024
#: Between two words of progress, in seconds.
_PROGRESS_SECONDS = 2.0

Numbered = tuple[int, Event]


@dataclass(slots=True)
class Tally:
    """What became of the lines."""

    new: int = 0
    known: int = 0
    bad: int = 0


def publish_lines(lines: BinaryIO) -> Tally:
    """Publish the good lines; complain about the bad ones on standard error.

    Raises:
        NotReady: the database failed; the text says which lines are in. Publish the whole again: what is in is known.
    """
    tally, batch, told_at = Tally(), list[Numbered](), time.monotonic()
    for number, line in _read(lines):
        try:
            if line is None:
                raise EventError(f"longer than {_LONGEST_LINE} bytes")
            batch.append((number, parse_cloudevent(line)))
        except EventError as error:
            _complain(tally, number, error)
        if len(batch) == _BATCH:
            _write(batch, tally)
            batch = []
            if sys.stderr.isatty() and time.monotonic() - told_at > _PROGRESS_SECONDS:
                typer.echo(f"line {number}: {tally.new} events published so far", err=True)
                told_at = time.monotonic()
    _write(batch, tally)
    return tally


def _read(lines: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, numbered from 1; None for one that is too long."""
    number = 0
    while line := lines.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = lines.readline(_LONGEST_LINE)
            yield number, None
        elif line.strip():
            yield number, line


def _write(batch: Sequence[Numbered], tally: Tally) -> None:
    """Write all of a batch, or, where one of it is refused, halves of it, down to the one."""
    if not batch:
        return
    try:
        receipts = publish_many([event for _, event in batch])
    except (EventError, NoSecretKeys) as error:
        if len(batch) == 1:
            _complain(tally, batch[0][0], error)
            return
        middle = len(batch) // 2
        _write(batch[:middle], tally)
        _write(batch[middle:], tally)
    except SQLAlchemyError as error:
        raise NotReady(
            f"line {batch[0][0]}: {describe(error)}; the good lines before it are written: publish the whole again"
        ) from error
    else:
        new = sum(receipt.is_new for receipt in receipts)
        tally.new += new
        tally.known += len(receipts) - new


def _complain(tally: Tally, number: int, error: Exception) -> None:
    tally.bad += 1
    typer.echo(f"line {number}: {describe(error)}", err=True)
