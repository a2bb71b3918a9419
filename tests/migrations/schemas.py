"""What a database of ours looks like, and which versions there are."""

from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrating.upgrade import alembic_config
from cobalt_mirror.db.settings import DatabaseSettings


def shape(settings: DatabaseSettings) -> dict[str, Any]:
    """Every table of ours with its columns and indexes, and every view."""
    engine = create_engine(settings)
    schema = None if engine.dialect.name == "sqlite" else settings.mirror_schema
    inspector = inspect(engine)
    names = sorted(inspector.get_table_names(schema=schema))
    found: dict[str, Any] = {
        name: (
            [
                (column["name"], str(column["type"]), column["default"])
                for column in inspector.get_columns(name, schema)
            ],
            sorted(str(index["name"]) for index in inspector.get_indexes(name, schema)),
        )
        for name in names
    }
    found["views"] = inspector.get_view_names(schema=schema)
    engine.dispose()
    return found


def versions(settings: DatabaseSettings) -> list[str]:
    """Every version, oldest first."""
    scripts = ScriptDirectory.from_config(alembic_config(settings))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def get_version(settings: DatabaseSettings) -> str:
    """The version that the database says it has."""
    engine = create_engine(settings)
    with engine.begin() as connection:
        version: str = connection.execute(text(f"SELECT version_num FROM {_version_table(settings)}")).scalar_one()
    engine.dispose()
    return version


def set_version(settings: DatabaseSettings, version: str) -> None:
    """Make the database say that it has another one."""
    engine = create_engine(settings)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {_version_table(settings)} SET version_num = :version"), {"version": version})
    engine.dispose()


def _version_table(settings: DatabaseSettings) -> str:
    where = "" if settings.url().get_backend_name() == "sqlite" else f"{settings.mirror_schema}."
    return f"{where}cobalt_mirror_version"
