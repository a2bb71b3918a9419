"""Add `changes`: the change feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.create_table(
        "changes",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("linked_account_id", ID, nullable=True),
        sa.Column("slug", ID, nullable=True),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("config_id", ID, nullable=True),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    is_numbered, is_not = sa.text("position IS NOT NULL"), sa.text("position IS NULL")
    op.create_index(
        "ix_changes_position",
        "changes",
        ["position"],
        unique=True,
        schema=schema,
        postgresql_where=is_numbered,
        sqlite_where=is_numbered,
    )
    op.create_index(
        "ix_changes_unnumbered", "changes", ["number"], schema=schema, postgresql_where=is_not, sqlite_where=is_not
    )
    op.create_index("ix_changes_account", "changes", ["linked_account_id", "number"], schema=schema)


def downgrade() -> None:
    op.drop_table("changes", schema=op.get_context().opts["schema"])
