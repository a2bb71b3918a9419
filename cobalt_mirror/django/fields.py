"""The columns that Django has no field for: times in our form, and the key of a table whose key has several columns."""

from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.utils import timezone

from cobalt_mirror.db.columns import stored_time


class Moment(models.DateTimeField):  # type: ignore[type-arg] # it takes none when it runs
    """An aware time, whatever USE_TZ is. SQLite has our times as text in a form of their own."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = value if prepared else self.get_prep_value(value)
        if isinstance(value, datetime):
            value = _aware(value)
            return stored_time(value) if connection.vendor == "sqlite" else value
        return super().get_db_prep_value(value, connection, prepared=True)

    def from_db_value(self, value: datetime | None, _expression: object, _connection: object) -> datetime | None:
        return None if value is None else _aware(value)


def _aware(value: datetime) -> datetime:
    """Return a time with its zone: one without is in the zone of the project, as Django has it without USE_TZ."""
    return timezone.make_aware(value, timezone.get_default_timezone()) if timezone.is_naive(value) else value


class Key(models.TextField):  # type: ignore[type-arg]
    """The primary key of a table whose key has several columns, as one text: `acme/slack`.

    Django's `CompositePrimaryKey` came with 5.2, and its admin takes no model that has one. The text is put together in
    SQL, with `~` and `/` in a column written as `~0` and `~1`, as JSON Pointer (RFC 6901) has it.
    """

    def __init__(self, *columns: str) -> None:
        super().__init__(primary_key=True, editable=False)
        self.columns = columns

    def deconstruct(self) -> Any:
        name, path, _, _ = super().deconstruct()
        return name, path, self.columns, {}

    def get_col(self, alias: str, output_field: Any = None) -> Col:
        return _KeyColumn(alias, self, output_field)

    @property
    def cached_col(self) -> Col:
        return self.get_col(self.model._meta.db_table)


class _KeyColumn(Col):
    """The text of a key, in SQL."""

    target: Key

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        names = self.names(compiler)
        return "(" + " || '/' || ".join(f"replace(replace({name}, '~', '~0'), '/', '~1')" for name in names) + ")", ()

    def names(self, compiler: Any) -> list[str]:
        """Return the columns of the key, as they are written in the statement."""
        get_field: Any = self.target.model._meta.get_field
        columns = [get_field(name).get_col(self.alias) for name in self.target.columns]
        return [str(compiler.compile(column)[0]) for column in columns]


@Key.register_lookup
class _KeyExact(Exact):
    """One key: compare its columns, for which there is an index."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        if not (isinstance(self.rhs, str) and isinstance(self.lhs, _KeyColumn)):
            return super().as_sql(compiler, connection)
        parts, names = split_key(self.rhs), self.lhs.names(compiler)
        if len(parts) != len(names):
            raise EmptyResultSet
        return " AND ".join(f"{name} = %s" for name in names), tuple(parts)


def make_key(*parts: str) -> str:
    """Return the key of a row with these values in the columns of its key."""
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


def split_key(key: str) -> list[str]:
    """Return the values of the columns of a key."""
    return [part.replace("~1", "/").replace("~0", "~") for part in key.split("/")]
