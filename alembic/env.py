"""Runs our migrations, in a schema and with a version table of our own, beside whatever else the database holds.

On PostgreSQL each version is a transaction, which gives way to whoever else is at work there. On SQLite all that one
alembic command does is one transaction; `db.migrating.upgrade` runs this file for each version.
"""

from alembic import context
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.schema import CreateSchema, SchemaItem

from cobalt_mirror.db.engine import create_engine, make_folder
from cobalt_mirror.db.migrating.patience import Patience, giving_way, name_sessions
from cobalt_mirror.db.migrating.turn import turn
from cobalt_mirror.db.migrating.version import refuse_unknown
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import VERSION_TABLE, tables_in


def main() -> None:
    attributes = context.config.attributes
    settings: DatabaseSettings = attributes.get("settings") or DatabaseSettings.from_environment()
    patience: Patience = attributes.get("patience") or Patience()
    make_folder(settings)
    engine = create_engine(settings)
    try:
        if engine.dialect.name == "sqlite":
            with engine.begin() as connection:
                run(connection, None, settings)
        else:
            run_on_postgresql(engine, settings, patience)
    finally:
        engine.dispose()


def run_on_postgresql(engine: Engine, settings: DatabaseSettings, patience: Patience) -> None:
    name_sessions(engine)
    with turn(engine, patience), engine.connect() as connection:
        connection.execution_options(isolation_level="READ COMMITTED")
        with giving_way(engine, connection, patience):
            ensure_schema(connection, settings.mirror_schema)
            run(connection, settings.mirror_schema, settings)
            connection.commit()


def ensure_schema(connection: Connection, schema: str) -> None:
    # IF NOT EXISTS would ask for the right to make schemas also where somebody who has it made ours already.
    if not inspect(connection).has_schema(schema):
        connection.execute(CreateSchema(schema))
    connection.commit()  # alembic leaves commits to us when it finds a transaction begun


def run(connection: Connection, schema: str | None, settings: DatabaseSettings) -> None:
    tables = tables_in(schema)
    names = {table.name for table in tables.tables.values()}

    def is_ours(item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:
        """A host's own tables in the same database are none of our business."""
        return kind != "table" or (name in names and getattr(item, "schema", None) == schema)

    context.configure(
        connection=connection,
        target_metadata=tables,
        transaction_per_migration=True,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        include_schemas=schema is not None,
        include_name=lambda name, kind, _parents: kind != "schema" or name == schema,
        include_object=is_ours,
        compare_server_default=False,
        schema=schema,
    )
    # Only now, for another release may have had the turn before us.
    refuse_unknown(context.get_context().get_current_heads(), settings)
    with context.begin_transaction():
        context.run_migrations()


main()
