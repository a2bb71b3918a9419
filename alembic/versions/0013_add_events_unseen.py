"""Add `events.unseen`: what Cobalt did not show when an event ended without effect, so that a read can revive it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.add_column("events", sa.Column("unseen", sa.Text(), nullable=True), schema=schema)


def downgrade() -> None:
    op.drop_column("events", "unseen", schema=op.get_context().opts["schema"])
