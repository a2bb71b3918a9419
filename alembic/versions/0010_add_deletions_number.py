"""Add `deletions.number`: that of the event that asked for the deletion, whose row may be pruned. See 0009.

A version of its own, for workers hold both tables in one transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.add_column("deletions", sa.Column("number", sa.BigInteger(), nullable=True), schema=schema)


def downgrade() -> None:
    op.drop_column("deletions", "number", schema=op.get_context().opts["schema"])
