"""Add `workflow_runs.stopped` and `timed_out`: how many runs were stopped, and how many took too long."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNTERS = ("stopped", "timed_out")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name in COUNTERS:
        counter = sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
        op.add_column("workflow_runs", counter, schema=schema)


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    for name in reversed(COUNTERS):
        op.drop_column("workflow_runs", name, schema=schema)
