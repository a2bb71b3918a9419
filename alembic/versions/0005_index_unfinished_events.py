"""Index unfinished events by account under a condition from which no question about due times can be answered.

PostgreSQL took the one for the other: to find one account's events it read all that were due.
"""

from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PENDING = sa.text("status = 'pending'")
UNFINISHED = sa.text("finished_at IS NULL")


def upgrade() -> None:
    replace("ix_events_pending", "ix_events_unfinished", UNFINISHED)


def downgrade() -> None:
    replace("ix_events_unfinished", "ix_events_pending", PENDING)


def replace(old: str, new: str, condition: sa.TextClause) -> None:
    """Build the new index, then drop the old one. A run that was cut off leaves nothing in the way of the next."""
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        op.create_index(
            new,
            "events",
            ["linked_account_id"],
            schema=schema,
            if_not_exists=True,
            postgresql_concurrently=True,
            postgresql_where=condition,
            sqlite_where=condition,
        )
        op.drop_index(old, "events", schema=schema, if_exists=True, postgresql_concurrently=True)


def outside_a_transaction(schema: str | None) -> AbstractContextManager[None]:
    """PostgreSQL builds an index CONCURRENTLY in no transaction; SQLite has nothing of the kind."""
    return nullcontext() if schema is None else op.get_context().autocommit_block()
