"""Index `work` by the ends of messages and leases, so that what is under way is found without reading what ended."""

from contextlib import AbstractContextManager, nullcontext

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = ("sent_until", "leased_until")


def upgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        for column in COLUMNS:
            op.create_index(
                f"ix_work_{column}",
                "work",
                [column],
                schema=schema,
                if_not_exists=True,
                postgresql_concurrently=True,
            )


def downgrade() -> None:
    schema = op.get_context().opts["schema"]
    with outside_a_transaction(schema):
        for column in COLUMNS:
            op.drop_index(f"ix_work_{column}", "work", schema=schema, if_exists=True, postgresql_concurrently=True)


def outside_a_transaction(schema: str | None) -> AbstractContextManager[None]:
    """PostgreSQL builds an index CONCURRENTLY in no transaction; SQLite has nothing of the kind."""
    return nullcontext() if schema is None else op.get_context().autocommit_block()
