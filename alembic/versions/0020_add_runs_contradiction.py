"""Add `runs.contradiction`: what Cobalt's listing said that cannot be true, if it did."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("contradiction", sa.Text(), nullable=True), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("runs", "contradiction", schema=op.get_context().opts["schema"])
