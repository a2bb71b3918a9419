"""The events of an account that are not finished have an index that no question about due times can be answered from.

PostgreSQL took the one for the other: read all that was due in search of one account's events.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PENDING = sa.text("status = 'pending'")
UNFINISHED = sa.text("finished_at IS NULL")


def upgrade() -> None:
    _replace("ix_events_pending", "ix_events_unfinished", UNFINISHED)


def downgrade() -> None:
    _replace("ix_events_unfinished", "ix_events_pending", PENDING)


def _replace(old: str, new: str, condition: sa.TextClause) -> None:
    schema = op.get_context().opts["schema"]
    op.create_index(
        new,
        "events",
        ["linked_account_id"],
        schema=schema,
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.drop_index(old, "events", schema=schema)
