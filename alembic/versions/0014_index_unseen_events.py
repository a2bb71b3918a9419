"""Index the events that a read can revive, by account: a check asks for them."""

from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NAME = "ix_events_unseen"
UNSEEN = sa.text("unseen IS NOT NULL")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        op.create_index(
            NAME,
            "events",
            ["linked_account_id"],
            schema=schema,
            if_not_exists=True,
            postgresql_concurrently=True,
            postgresql_where=UNSEEN,
            sqlite_where=UNSEEN,
        )


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        op.drop_index(NAME, "events", schema=schema, if_exists=True, postgresql_concurrently=True)


def outside_a_transaction(schema: str | None) -> AbstractContextManager[None]:
    """PostgreSQL builds an index CONCURRENTLY in no transaction; SQLite has nothing of the kind."""
    return nullcontext() if schema is None else op.get_context().autocommit_block()
