"""What a host tells its own Alembic, so that `alembic revision --autogenerate` leaves our tables alone."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, inspect

from cobalt_mirror.db.tables import VERSION_TABLE, metadata

_NAMES = {table.name for table in metadata.tables.values()} | {VERSION_TABLE}


def exclude_mirror(connection: Connection) -> Callable[[Any, str, Mapping[str, Any]], bool]:
    """Return what `context.configure(include_name=...)` of Alembic takes to see everything but the mirror.

    On PostgreSQL it leaves out the whole schema that holds the mirror, whatever that is called. On SQLite, and where
    that schema is the first on the `search_path`, it leaves out the tables by their names.

    Args:
        connection: The one that the `env.py` of the host passes to `context.configure`.
    """

    def is_not_ours(name: Any, type_: str, parent_names: Mapping[str, Any]) -> bool:
        if type_ == "schema":
            return name is None or not holds_mirror(name)
        if type_ != "table" or name not in _NAMES:
            return True
        return not holds_mirror(parent_names.get("schema_name"))

    def holds_mirror(schema: str | None) -> bool:
        return inspect(connection).has_table(VERSION_TABLE, schema=schema)

    return is_not_ours
