"""Add `walked.unknown`: the account to adopt, once it is clear that the reconciliation may change anything."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
JSON = sa.Text().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("walked", sa.Column("unknown", JSON), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("walked", "unknown", schema=op.get_context().opts["schema"])
