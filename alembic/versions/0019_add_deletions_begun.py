"""Add to `deletions` the sign-up that began the next generation of the account, whose row may be pruned."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# The types as they were when this version was written.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")

ADDED = (("begun_at", TIME), ("begun_number", sa.BigInteger()), ("begun_id", ID), ("begun_source", ID))


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name, type_ in ADDED:
        op.add_column("deletions", sa.Column(name, type_, nullable=True), schema=schema)


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name, _ in reversed(ADDED):
        op.drop_column("deletions", name, schema=schema)
