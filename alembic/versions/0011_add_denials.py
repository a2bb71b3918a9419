"""Add `denials`: accounts that the mirror shows and that Cobalt says it does not have, and since when it says so."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "denials",
        sa.Column("linked_account_id", ID, primary_key=True),
        sa.Column("since", TIME, nullable=False),
        schema=op.get_context().opts["schema"],
    )


def downgrade() -> None:
    op.drop_table("denials", schema=op.get_context().opts["schema"])
