"""What Cobalt said last of an event, beside the sentence that a person reads."""

import sqlalchemy as sa
from alembic import op

from cobalt_mirror.db.columns import Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("last_response", Json()), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("events", "last_response", schema=op.get_context().opts["schema"])
