"""Add `processes.local_at`: what the clock of a process's machine said at its last heartbeat."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# The type as it was when this version was written.
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("processes", sa.Column("local_at", TIME, nullable=True), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("processes", "local_at", schema=op.get_context().opts["schema"])
