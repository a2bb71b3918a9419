"""Let an event be `discarded`, and add who acted on it last: `events.operator` and `events.operated_at`.

The code before this version does not know the word: it puts off, whole, an attempt that meets such an event. Only a
command of this release discards one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")

ADDED = (("operator", sa.Text()), ("operated_at", TIME))
BEFORE = "status IN ('pending', 'done', 'superseded', 'dead')"
AFTER = "status IN ('pending', 'done', 'superseded', 'dead', 'discarded')"


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name, type_ in ADDED:
        op.add_column("events", sa.Column(name, type_, nullable=True), schema=schema)
    change_constraint(schema, BEFORE, AFTER)


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.execute(f"UPDATE {prefix(schema)}events SET status = 'superseded' WHERE status = 'discarded'")
    change_constraint(schema, AFTER, BEFORE)
    for name, _ in reversed(ADDED):
        op.drop_column("events", name, schema=schema)


def change_constraint(schema: str | None, before: str, after: str) -> None:
    if schema is None:
        rebuild(before, after)
        return
    # NOT VALID reads no row: those that are there kept the other rule, and new ones are checked all the same.
    op.execute(
        f"ALTER TABLE {prefix(schema)}events DROP CONSTRAINT ck_events_status, "
        f"ADD CONSTRAINT ck_events_status CHECK ({after}) NOT VALID"
    )


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


def rebuild(before: str, after: str) -> None:
    """Make the table anew as it is, but for its constraint: SQLite changes one in no other way."""
    connection = op.get_bind()
    parts = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'events'").all()
    [table] = [part.sql for part in parts if part.type == "table"]
    columns = table.split("(", 1)[1]
    if before not in columns:
        raise RuntimeError(f"the table events lacks its constraint: {before}")
    connection.exec_driver_sql(f"CREATE TABLE events_anew ({columns.replace(before, after)}")
    names = ", ".join(row.name for row in connection.exec_driver_sql("PRAGMA table_info(events)"))
    connection.exec_driver_sql(f"INSERT INTO events_anew ({names}) SELECT {names} FROM events")
    op.drop_table("events")
    op.rename_table("events_anew", "events")
    for part in parts:  # an index of the primary key has no text of its own
        if part.type in {"index", "trigger"} and part.sql is not None:
            connection.exec_driver_sql(part.sql)
