"""Add `events.last_response`: what Cobalt answered last, beside the sentence for a person in `last_error`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
JSON = sa.Text().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("events", sa.Column("last_response", JSON), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("events", "last_response", schema=op.get_context().opts["schema"])
