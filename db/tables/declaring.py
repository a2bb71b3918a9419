"""What all tables are declared with: their schema, and defaults that both databases know."""

from enum import StrEnum
from functools import cache

from sqlalchemy import CheckConstraint, DefaultClause, MetaData, TextClause, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

#: The schema that the tables are declared in; `db.engine` translates it to the configured one (none on SQLite).
DECLARED_SCHEMA = "cobalt_mirror"
#: The table with the version of our tables, which is Alembic's. Where it is, they are.
VERSION_TABLE = "cobalt_mirror_version"

metadata = MetaData(
    schema=DECLARED_SCHEMA,
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"},
)


@cache
def tables_in(schema: str | None) -> MetaData:
    """Return a copy of all tables in a schema, for Alembic to compare with a database's. Do not change it.

    It is made once: making it is two fifths of a version's migration, and a new database gets more than twenty.
    """
    tables = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(tables, schema=schema)  # type: ignore[arg-type]  # None: the default schema
    return tables


class _Now(ClauseElement):
    """The database's clock, in the one form that `UtcDateTime` stores."""

    inherit_cache = True


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: SQLCompiler, **_options: object) -> str:
    return "clock_timestamp()"


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: SQLCompiler, **_options: object) -> str:
    return "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')"


class NewId(ClauseElement):
    """A random id for rows that are inserted by hand without one."""

    inherit_cache = True


@compiles(NewId, "postgresql")
def _postgresql_id(_element: NewId, _compiler: SQLCompiler, **_options: object) -> str:
    return "gen_random_uuid()::text"


@compiles(NewId, "sqlite")
def _sqlite_id(_element: NewId, _compiler: SQLCompiler, **_options: object) -> str:
    return "(lower(hex(randomblob(16))))"


def database_now() -> DefaultClause:
    """Return the default of a column that says when a row was made."""
    return DefaultClause(_Now())


def quoted(value: str) -> TextClause:
    """Return a default that is a text."""
    return text(f"'{value}'")


def is_status(members: type[StrEnum]) -> CheckConstraint:
    """Return the constraint that `status` is one of these words, as the migrations wrote it."""
    return CheckConstraint(f"status IN ({', '.join(map(repr, map(str, members)))})", name="status")
