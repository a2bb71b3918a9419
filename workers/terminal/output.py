"""Output of commands: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: The width of tables, in characters, when standard output is not a terminal.
_DEFAULT_WIDTH = 160


def console() -> "Console":
    """Return a console on standard output. It prints text as it is, without markup."""
    from rich.console import Console  # noqa: PLC0415 - a command that prints a line or JSON does not wait for it

    width = None if sys.stdout.isatty() else _DEFAULT_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> "Table":
    """Return a table. Its cells may hold text from customers and providers: control characters are replaced."""
    from rich.table import Table  # noqa: PLC0415 - see `console`
    from rich.text import Text  # noqa: PLC0415

    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell(value)) for value in row))
    return drawn


def cell(value: Any) -> str:
    """Return a value as text for a person; control characters become dots."""
    match value:
        case None:
            text = ""
        case datetime():
            text = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case str():
            text = value
        case _:
            text = json.dumps(value, default=_plain, ensure_ascii=False)
    return "".join(character if character.isprintable() else "·" for character in text)


def ago(moment: datetime, now: datetime) -> str:
    """Return the time since `moment`, rounded: `14 s`, `3 min`, `5 h`, `2 d`."""
    return duration(now - moment)


def duration(length: timedelta) -> str:
    """Return a length of time, rounded; see `ago`."""
    seconds = max(length.total_seconds(), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def print_json(value: Any) -> None:
    """Print one JSON document on standard output; times are ISO 8601 in UTC."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
