"""Add `checks.expects` and `looks`: what a read should show, and how often it did not show it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.add_column("checks", sa.Column("expects", sa.Text(), nullable=True), schema=schema)
    looks = sa.Column("looks", sa.Integer(), server_default=sa.text("0"), nullable=False)
    op.add_column("checks", looks, schema=schema)


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.drop_column("checks", "looks", schema=schema)
    op.drop_column("checks", "expects", schema=schema)
