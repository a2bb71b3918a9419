"""Column types that mean the same on PostgreSQL and SQLite: times in UTC, JSON, bytewise text."""

import json
import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

_MemberT = TypeVar("_MemberT", bound=StrEnum)

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_SQLITE_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def stored_time(value: datetime | None) -> str | None:
    """Return an aware time in the form that text and JSON columns hold."""
    return None if value is None else value.astimezone(UTC).strftime(_SQLITE_FORM)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL, `2026-01-31T12:00:00.000000Z` as text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        text = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(text)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored; give it a time zone")
        return stored_time(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value: `jsonb` on PostgreSQL, text on SQLite. SQL NULL is `None`; JSON null does not occur on top."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        column = Text() if dialect.name == "sqlite" else JSONB(none_as_null=True)
        return dialect.type_descriptor(column)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        value = storable(value)
        if value is None or dialect.name != "sqlite":
            return value
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if isinstance(value, str) and dialect.name == "sqlite" else value


class Words(TypeDecorator[str]):
    """Text that others wrote: what PostgreSQL cannot store in it becomes a replacement character."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return storable(value)


class OneOf(TypeDecorator[_MemberT]):
    """A member of a closed set, as its plain text. Any other word is refused before it gets into a statement."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[_MemberT]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> _MemberT | None:
        return None if value is None else self.members(value)


class OneOrNone(OneOf[_MemberT]):
    """The same where a host may have written another word, which reads as if there were none."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> _MemberT | None:
        return self.members(value) if value in set(self.members) else None


def storable(value: Any) -> Any:
    """Return the same value without what no database takes, anywhere in it.

    NUL and halves of surrogate pairs become a replacement character; NaN and infinity become `None`.
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def Id() -> Text:  # noqa: N802 - it stands where a type stands
    """Return text that compares bytewise on both databases (SQLite's default; `COLLATE "C"` on PostgreSQL)."""
    return Text().with_variant(Text(collation="C"), "postgresql")
