"""Add `calls`: the calls to Cobalt that attempts made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
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
        "calls",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("attempt", ID, nullable=False),
        sa.Column("because", JSON, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("waited_ms", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index("ix_calls_account", "calls", ["linked_account_id", "number"], schema=schema)


def downgrade() -> None:
    op.drop_table("calls", schema=op.get_context().opts["schema"])
