"""Runs our migrations, in a schema and with a version table of our own, beside whatever else the database holds."""

from alembic import context
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.schema import CreateSchema, SchemaItem

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrate import VERSION_TABLE
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import metadata


def run(connection: Connection, schema: str | None) -> None:
    tables = MetaData(naming_convention=dict(metadata.naming_convention))
    for table in metadata.tables.values():
        table.to_metadata(tables, schema=schema)
    names = {table.name for table in tables.tables.values()}

    def is_ours(item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:
        """A host's own tables in the same database are none of our business."""
        return kind != "table" or (name in names and getattr(item, "schema", None) == schema)

    # IF NOT EXISTS would ask for the right to make schemas also where somebody who has it made ours already.
    if schema is not None and not inspect(connection).has_schema(schema):
        connection.execute(CreateSchema(schema))
    context.configure(
        connection=connection,
        target_metadata=tables,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        include_schemas=schema is not None,
        include_name=lambda name, kind, _parents: kind != "schema" or name == schema,
        include_object=is_ours,
        compare_server_default=False,
        schema=schema,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    settings: DatabaseSettings = context.config.attributes.get("settings") or DatabaseSettings.from_environment()
    engine = create_engine(settings)
    schema = None if engine.dialect.name == "sqlite" else settings.mirror_schema
    try:
        with engine.begin() as connection:
            if schema is not None:  # two releases at once take turns
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('cobalt_mirror migrations'))"))
            run(connection, schema)
    finally:
        engine.dispose()


main()
