"""Add `events.number`, which the schema gives at the INSERT: of two events of one time, the first inserted comes first.

Rows from before keep NULL. They come before all others of their time, in the order of `recorded_at` and then of `id`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    number = sa.Column("number", sa.BigInteger(), nullable=True)
    if schema is None:
        op.add_column("events", number)
        number_on_sqlite()
        return
    sequence = f"{prefix(schema)}events_number"
    op.execute(f"CREATE SEQUENCE {sequence}")
    # Else a role that may insert events could no longer do so: a default needs its own right on the sequence.
    op.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO PUBLIC")
    op.add_column("events", number, schema=schema)  # without the default, which would number the rows that are there
    op.execute(f"ALTER TABLE {prefix(schema)}events ALTER COLUMN number SET DEFAULT nextval('{sequence}')")


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    if schema is None:
        op.execute("DROP TRIGGER number_event")
        op.execute("DELETE FROM state WHERE key = 'last_event_number'")
    op.drop_column("events", "number", schema=schema)
    if schema is not None:
        op.execute(f"DROP SEQUENCE {prefix(schema)}events_number")


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


def number_on_sqlite() -> None:
    """Count in `state`: SQLite has no sequences, VACUUM changes rowids, and the highest number may have been pruned."""
    op.execute("""
        CREATE TRIGGER number_event AFTER INSERT ON events FOR EACH ROW WHEN NEW.number IS NULL
        BEGIN
            INSERT INTO state (key, value) VALUES ('last_event_number', '1')
            ON CONFLICT (key) DO UPDATE SET value = value + 1;
            UPDATE events SET number = (SELECT value FROM state WHERE key = 'last_event_number')
            WHERE source = NEW.source AND id = NEW.id;
        END
    """)
