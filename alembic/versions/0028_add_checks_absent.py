"""Add `checks.absent`: configs that did not show when a check looked, each since when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# The type as it was when this version was written.
JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    op.add_column("checks", sa.Column("absent", JSON, nullable=True), schema=schema)


def downgrade() -> None:
    op.drop_column("checks", "absent", schema=op.get_context().opts["schema"])
