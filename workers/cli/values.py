"""Values that options take."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.events import EVENT_TYPES

#: Where the sandbox listens if nothing says otherwise.
SANDBOX_PORT = 8474
#: `status` shows a reason on a line.
LONGEST_REASON = 500
_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400}


def json_or_text(value: str) -> Any:
    """Return the text parsed as JSON, or the text itself if it is not JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def age(text: str) -> timedelta:
    """Return a time that is written as a number with its unit."""
    match = re.fullmatch(r"([0-9]{1,5}) ?(s|min|m|h|d)", text)
    if match is None:
        raise typer.BadParameter(f"{text!r}: expected a number with its unit, such as 90s, 30min, 24h or 7d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def stated_reason(text: str) -> str:
    """Return why somebody acts, for people who look at it later."""
    if not text.strip():
        raise typer.BadParameter("a reason must not be blank")
    if len(text) > LONGEST_REASON:
        raise typer.BadParameter(f"a reason has at most {LONGEST_REASON} characters, not {len(text)}; shorten it")
    return text


def moment(text: str) -> datetime:
    """Return a time that is given as its age, or in ISO 8601 with its offset from UTC."""
    try:
        return datetime.now(UTC) - age(text)
    except typer.BadParameter:
        pass
    try:
        time = datetime.fromisoformat(text)
        has_offset = time.tzinfo is not None
        time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        has_offset = False
    if not has_offset:
        raise typer.BadParameter(f"{text!r}: expected an age such as 24h or 7d, or a time such as 2026-01-31T12:00:00Z")
    return time


def chosen_scope(options: Mapping[PauseScope, bool | str | None]) -> tuple[PauseScope, str | None]:
    """Return the one thing that the options of `pause` and `resume` name."""
    chosen = [(scope, value) for scope, value in options.items() if value is not None and value is not False]
    if len(chosen) != 1:
        raise typer.BadParameter("name one thing: --everything, --type, --application, --account or --reconciliation")
    scope, value = chosen[0]
    if isinstance(value, str) and not (value.strip() and value.isprintable()):
        raise typer.BadParameter(f"--{scope}: {value!r} is no name")
    if scope is PauseScope.TYPE and value not in EVENT_TYPES:
        raise typer.BadParameter(f"--type {value}: expected one of {', '.join(EVENT_TYPES)}")
    return scope, value if isinstance(value, str) else None
