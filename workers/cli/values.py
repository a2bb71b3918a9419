"""Values that options take."""

import json
import re
from datetime import timedelta
from typing import Any

import typer

_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400}


def age(text: str) -> timedelta:
    """Return a length of time such as `90s`, `30min`, `24h` or `7d`."""
    match = re.fullmatch(r"([0-9]{1,5}) ?(s|min|m|h|d)", text)
    if match is None:
        raise typer.BadParameter(f"{text!r}: expected a number with its unit, such as 90s, 30min, 24h or 7d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def json_or_text(value: str) -> Any:
    """Return the text parsed as JSON, or the text itself if it is not JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value
