"""Add the tables of notifications and workflow runs, of reconciliation, and of deleted accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.Text().with_variant(JSONB(), "postgresql")
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")

TABLES = ("looks", "suspicions", "walked", "runs", "deletions", "notifications", "workflow_runs")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    create_notifications(schema)
    create_reconciliation(schema)
    create_deletions(schema)


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name in TABLES:
        op.drop_table(name, schema=schema)


def create_notifications(schema: str | None) -> None:
    op.create_table(
        "notifications",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("linked_account_id", ID, nullable=True),
        sa.Column("slug", ID, nullable=True),
        sa.Column("instance_id", ID, nullable=True),
        sa.Column("payload", JSON, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        schema=schema,
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_notifications_account", "notifications", ["linked_account_id", "number"], unique=False, schema=schema
    )
    op.create_index("ix_notifications_instance", "notifications", ["instance_id"], unique=True, schema=schema)
    op.create_table(
        "workflow_runs",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("workflow_id", ID, nullable=False),
        sa.Column("config_id", ID, nullable=True),
        sa.Column("workflow_name", sa.Text(), nullable=True),
        sa.Column("last_status", sa.Text(), nullable=True),
        sa.Column("last_run_at", TIME, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_errored_at", TIME, nullable=True),
        sa.Column("completed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("errored", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("linked_account_id", "workflow_id"),
        schema=schema,
    )


def create_reconciliation(schema: str | None) -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("resumes", ID, nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("alive_until", TIME, nullable=True),
        sa.Column("walking_since", TIME, nullable=False),
        sa.Column("walked_at", TIME, nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("untold", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("compared", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("adopted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("repaired", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("left", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stopped_because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema=schema,
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"], unique=False, schema=schema)
    op.create_index("ix_runs_place", "runs", ["place"], unique=True, schema=schema)
    op.create_table(
        "walked",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("linked_account_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "linked_account_id"),
        schema=schema,
    )
    op.create_table(
        "suspicions",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("differences", JSON, nullable=False),
        sa.Column("listed_created_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "linked_account_id", "slug"),
        schema=schema,
    )
    op.create_index("ix_suspicions_subject", "suspicions", ["linked_account_id", "slug"], unique=False, schema=schema)
    op.create_table(
        "looks",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("slug", ID, nullable=False),
        sa.Column("looked_at", TIME, nullable=False),
        sa.Column("listed_created_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("linked_account_id", "slug"),
        schema=schema,
    )


def create_deletions(schema: str | None) -> None:
    op.create_table(
        "deletions",
        sa.Column("linked_account_id", ID, nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("gone_at", TIME, nullable=True),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("settles_at", TIME, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("linked_account_id"),
        schema=schema,
    )
