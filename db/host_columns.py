"""Types of the columns that a host may write: whatever is in one of them, reading a row never fails.

A value that cannot be read becomes a marker, so that it costs its own row and not the result with all others.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Dialect, Text, TypeDecorator, case, literal_column

from cobalt_mirror.db.columns import Json, UtcDateTime

#: The times between which a row is read as it is. PostgreSQL has others, infinite ones too, and Python has not.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
#: How deep JSON of a host may be nested. `events.types` allows less; Python fails at about a thousand.
DEEPEST_JSON = 200

#: What comes out for a time that Python lacks (PostgreSQL's go from 4714 BC to the year 294276) or for what is none.
NO_TIME = datetime(1000, 1, 1, tzinfo=UTC)
_FIRST: ColumnElement[Any] = literal_column(f"timestamptz '{NO_TIME:%Y-%m-%d} 00:00:00+00'")
_LAST: ColumnElement[Any] = literal_column("timestamptz '4000-01-01 00:00:00+00'")
_OPENING = re.compile(r"[\[{]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for JSON that cannot be read. It has the reason, and nothing of the value."""

    reason: str


class HostTime(UtcDateTime):
    """A time as `UtcDateTime` has it; one that Python lacks comes out as a time beyond `EARLIEST` or `LATEST`.

    SELECT CASE WHEN due_at < '1000-01-01' THEN '1000-01-01' WHEN due_at > '4000-01-01' THEN '4000-01-01' ELSE due_at
    END
    """

    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        if not isinstance(self.impl_instance, DateTime):
            return column
        return case((column < _FIRST, _FIRST), (column > _LAST, _LAST), else_=column)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return super().process_result_value(value, dialect)
        except (ValueError, AttributeError, TypeError):
            return NO_TIME


class HostJson(Json):
    """JSON as `Json` has it. On PostgreSQL the engine reads it, with `read_json` in our own ones."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or dialect.name != "sqlite" else read_json(value)


class Traceparent(TypeDecorator[str]):
    """A span in the form of W3C Trace Context. Anything else that a host has written reads as if there were none."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value if is_traceparent(value) else None


def is_traceparent(value: Any) -> bool:
    """Tell whether a value names a span: version, trace, span and flags. One of zeros is none, and so is version ff."""
    return isinstance(value, str) and _TRACEPARENT.fullmatch(value) is not None


_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text, or a marker if Python cannot hold it."""
    try:
        value = json.loads(text)
        is_deep = len(_OPENING.findall(text if isinstance(text, str) else text.decode())) > DEEPEST_JSON
    except RecursionError:
        return _TOO_DEEP
    except (ValueError, TypeError):  # not JSON, or a number of thousands of digits
        return Unreadable("is not JSON that can be read")
    return _TOO_DEEP if is_deep and _depth(value) > DEEPEST_JSON else value


_TOO_DEEP = Unreadable(f"is nested more than {DEEPEST_JSON} levels deep")


def _depth(value: Any) -> int:
    """Return how deep a value is nested, level by level: a function that calls itself would fail."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, list | dict)]:
        depth += 1
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return depth
