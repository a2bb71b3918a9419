"""Index the events that failed before, so that a relay finds some of them beside many that did not. See 0005."""

from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

RETRYING = sa.text("status = 'pending' AND retrying_since IS NOT NULL")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        op.create_index(
            "ix_events_retrying",
            "events",
            ["due_at"],
            schema=schema,
            if_not_exists=True,
            postgresql_concurrently=True,
            postgresql_where=RETRYING,
            sqlite_where=RETRYING,
        )


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        op.drop_index("ix_events_retrying", "events", schema=schema, if_exists=True, postgresql_concurrently=True)


def outside_a_transaction(schema: str | None) -> AbstractContextManager[None]:
    """PostgreSQL builds an index CONCURRENTLY in no transaction; SQLite has nothing of the kind."""
    return nullcontext() if schema is None else op.get_context().autocommit_block()
