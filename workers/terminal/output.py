"""Output of commands: tables for people, JSON for programs."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from cobalt_mirror.workers.terminal.words import cell, to_plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: The width of tables, in characters, when standard output is not a terminal and COLUMNS is not set.
_DEFAULT_WIDTH = 160
#: The least width of a column of sentences; below it, each row gets lines of its own.
_SENTENCE_WIDTH = 20
#: The width of the labels of `print_line`, with the space after them.
_LABEL_WIDTH = 13
#: The spaces between two columns.
_GAP = 2


def console() -> "Console":
    """Return a console on standard output. It prints text as it is, without markup."""
    from rich.console import Console  # noqa: PLC0415 - a command that prints lines or JSON does not wait for it

    return Console(width=None if _has_width() else _DEFAULT_WIDTH, markup=False, highlight=False, emoji=False)


def _has_width() -> bool:
    """Return whether somebody says how wide the output is: a terminal, or COLUMNS."""
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def print_line(label: str, text: str, *, indent: int = _LABEL_WIDTH) -> None:
    """Print a label and a text, which goes on below its beginning if it is too long. No word is broken.

    Args:
        label: The label.
        text: The text.
        indent: The width of the label, with the space after it, in characters.
    """
    begin = f"{label} " if label else ""
    line = f"{begin:<{indent}}{cell(text)}"
    if _has_width():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(
            line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
        )
    typer.echo(line)


def print_table(screen: "Console", title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table. If the screen is too narrow for whole ids in columns, print lines for each row instead.

    Args:
        screen: Where to print it.
        title: Its title.
        columns: The headings.
        rows: The cells, which may hold text from customers and providers: control characters are replaced.
    """
    from rich.text import Text  # noqa: PLC0415 - see `console`

    cells = [[cell(value) for value in row] for row in rows]
    if sum(map(_least_width, columns, zip(*cells, strict=True))) + _GAP * (len(columns) - 1) <= screen.width:
        screen.print(_table(title, columns, cells))
        return
    screen.print(Text(title, style="bold"))
    indent = max(map(len, columns)) + _GAP + 2
    for number, row in enumerate(cells):
        if number > 0:
            screen.print()
        for column, text in zip(columns, row, strict=True):
            if text:
                print_line(f"  {column}", text, indent=indent)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich.table import Table  # noqa: PLC0415 - see `console`
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        drawn.add_column(column, overflow="fold", no_wrap=not any(" " in row[number] for row in rows))
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn


def _least_width(column: str, cells: Sequence[str]) -> int:
    """Return the least width of a column in which no word is broken, and sentences are not in slivers."""
    from rich.cells import cell_len  # noqa: PLC0415 - see `console`

    words = [word for text in (column, *cells) for word in text.split()]
    sentences = [min(cell_len(text), _SENTENCE_WIDTH) for text in cells]
    return max([cell_len(column), *map(cell_len, words), *sentences])


def print_json(value: Any) -> None:
    """Print one JSON document on standard output; times are ISO 8601 in UTC."""
    typer.echo(to_json(value, indent=2, only_ascii=not _takes_every_character()))


def print_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, as `print_json` prints it."""
    typer.echo(to_json(value, only_ascii=not _takes_every_character()))


def _takes_every_character() -> bool:
    """Return whether standard output is UTF-8; in another encoding, JSON is ASCII with escapes."""
    encoding = sys.stdout.encoding or "utf-8"  # None: it holds text
    return encoding.lower().startswith("utf")


def to_json(value: Any, *, indent: int | None = None, only_ascii: bool = False) -> str:
    """Return JSON that every reader takes, whatever a host has written into the event log.

    Halves of surrogate pairs and NUL become a replacement character; NaN and infinity become null.

    Args:
        value: Plain values, times and dataclasses of ours.
        indent: The spaces of a level; None: all on one line.
        only_ascii: Whether to escape all other characters.
    """
    from cobalt_mirror.db.columns import storable  # noqa: PLC0415 - it loads SQLAlchemy

    def to_clean(part: Any) -> Any:
        return storable(to_plain(part))

    return json.dumps(storable(value), default=to_clean, ensure_ascii=only_ascii, allow_nan=False, indent=indent)
