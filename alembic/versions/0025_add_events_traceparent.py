"""Add `events.traceparent`: the span in which a host published the event, in the form of W3C Trace Context."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.add_column("events", sa.Column("traceparent", sa.Text(), nullable=True), schema=schema)


def downgrade() -> None:
    op.drop_column("events", "traceparent", schema=op.get_context().opts["schema"])
