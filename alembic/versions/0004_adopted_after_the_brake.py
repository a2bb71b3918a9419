"""What a reconciliation is to adopt, once it is clear that it may change anything."""

import sqlalchemy as sa
from alembic import op

from cobalt_mirror.db.columns import Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("walked", sa.Column("unknown", Json()), schema=op.get_context().opts["schema"])


def downgrade() -> None:
    op.drop_column("walked", "unknown", schema=op.get_context().opts["schema"])
