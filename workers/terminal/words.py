"""How values read in output. Nothing here needs a library, for `web` says the same as the commands."""

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


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
            text = json.dumps(value, default=to_plain, ensure_ascii=False)
    return "".join(character if character.isprintable() else "·" for character in text)


def count_of(number: int, noun: str) -> str:
    """Return how many there are of something: `1 event`, `2 events`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


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


def to_plain(value: Any) -> Any:
    """Return a time or one of our values as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):  # SQLite's columns take anything; see `db.strays`
        return value.decode(errors="replace")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
