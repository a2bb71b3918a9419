"""Add `work.is_retry`: whether a message is for work that failed before, of which a relay sends only so many."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("is_retry", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    op.add_column("work", column, schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("work", "is_retry", schema=op.get_context().opts["schema"])
