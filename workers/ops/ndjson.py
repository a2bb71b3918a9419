"""Publish CloudEvents, one a line: valid lines in batches; each invalid line is reported with its number."""

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

#: Events per transaction.
_BATCH = 500
#: The longest line that is read, in bytes: the largest payload with every character escaped, and the envelope.
_LONGEST_LINE = 2 * 1024 * 1024
#: Seconds between two lines of progress.
_PROGRESS_SECONDS = 2.0

Numbered = tuple[int, Event]


@dataclass(slots=True)
class Tally:
    """How many lines were published now (`new`), published before (`known`) or invalid (`bad`)."""

    new: int = 0
    known: int = 0
    bad: int = 0


def publish_lines(lines: BinaryIO) -> Tally:
    """Publish the valid lines, and report the invalid ones on standard error.

    Raises:
        NotReady: The database failed. The text says which lines are published. Publish the whole file again; lines
            that are in the log are skipped.
    """
    tally, batch, reported_at = Tally(), list[Numbered](), time.monotonic()
    for number, line in _read(lines):
        try:
            if line is None:
                raise EventError(f"longer than {_LONGEST_LINE} bytes")
            batch.append((number, parse_cloudevent(line)))
        except EventError as error:
            _report(tally, number, error)
        if len(batch) == _BATCH:
            _write(batch, tally)
            batch = []
            if sys.stderr.isatty() and time.monotonic() - reported_at > _PROGRESS_SECONDS:
                typer.echo(f"line {number}: {tally.new} events published so far", err=True)
                reported_at = time.monotonic()
    _write(batch, tally)
    return tally


def _read(lines: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines that are not blank, numbered from 1; None for a line that is too long."""
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
    """Publish a batch. If one event in it is refused, publish the halves, down to the single event."""
    if not batch:
        return
    try:
        receipts = publish_many([event for _, event in batch])
    except (EventError, NoSecretKeys) as error:
        if len(batch) == 1:
            _report(tally, batch[0][0], error)
            return
        middle = len(batch) // 2
        _write(batch[:middle], tally)
        _write(batch[middle:], tally)
    except SQLAlchemyError as error:
        raise NotReady(
            f"line {batch[0][0]}: {describe(error)}; the valid lines before it are published; "
            "publish the whole file again"
        ) from error
    else:
        new = sum(receipt.is_new for receipt in receipts)
        tally.new += new
        tally.known += len(receipts) - new


def _report(tally: Tally, number: int, error: Exception) -> None:
    tally.bad += 1
    typer.echo(f"line {number}: {describe(error)}", err=True)
