"""Add `receivers` and `notices`: who is told of the change feed, and what."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.create_table(
        "receivers",
        sa.Column("name", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
        schema=schema,
    )
    op.create_table(
        "notices",
        sa.Column("receiver", ID, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("linked_account_id", ID, nullable=True),
        sa.Column("slug", ID, nullable=True),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("auth_type", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("taken_until", TIME, nullable=True),
        sa.Column("begun_at", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("receiver", "position"),
        schema=schema,
    )
    is_pending, is_failed = sa.text("status = 'pending'"), sa.text("status = 'failed'")
    op.create_index(
        "ix_notices_due",
        "notices",
        ["receiver", "due_at"],
        schema=schema,
        postgresql_where=is_pending,
        sqlite_where=is_pending,
    )
    op.create_index("ix_notices_connection", "notices", ["linked_account_id", "slug"], schema=schema)
    op.create_index(
        "ix_notices_failed", "notices", ["receiver"], schema=schema, postgresql_where=is_failed, sqlite_where=is_failed
    )


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.drop_table("notices", schema=schema)
    op.drop_table("receivers", schema=schema)
