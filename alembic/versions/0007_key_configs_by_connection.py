"""Add `connection_id` to the key of `configs`: an application may hold several connections, each with its own config.

A worker of an older release names the three old columns when it changes a config that it knows. From here on the
database refuses that, the worker's attempt is rolled back, and the event waits for a worker of this release.
"""

from contextlib import AbstractContextManager, nullcontext

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OLD_KEY = ("linked_account_id", "slug", "config_id")
NEW_KEY = (*OLD_KEY, "connection_id")

# The table as it was when this version was written; SQLite changes a key only by making the table anew.
COLUMNS = (
    "linked_account_id TEXT NOT NULL",
    "slug TEXT NOT NULL",
    "config_id TEXT NOT NULL",
    "fields TEXT NOT NULL",
    "workflows TEXT NOT NULL",
    "schema TEXT NOT NULL",
    "field_errors TEXT NOT NULL",
    "status TEXT NOT NULL",
    "verified_at TEXT",
    "connection_id TEXT DEFAULT '' NOT NULL",
    "CONSTRAINT ck_configs_status CHECK (status IN ('installed', 'deleted'))",
)


def upgrade() -> None:
    change_key(NEW_KEY)


def downgrade() -> None:
    """Go back to the old key. Of several configs that only their connection tells apart, none is kept."""
    ours = prefix(op.get_context().opts["schema"])
    op.execute(f"DELETE FROM {ours}configs WHERE connection_id <> ''")
    change_key(OLD_KEY)


def change_key(columns: tuple[str, ...]) -> None:
    schema = op.get_context().opts["schema"]
    if schema is None:
        rebuild(columns)
        return
    index = f"configs_key_of_{len(columns)}"
    with outside_a_transaction(schema):
        op.create_index(
            index, "configs", [*columns], unique=True, schema=schema, if_not_exists=True, postgresql_concurrently=True
        )
    table = f"{prefix(schema)}configs"
    op.execute(
        f"ALTER TABLE {table} DROP CONSTRAINT configs_pkey, ADD CONSTRAINT configs_pkey PRIMARY KEY USING INDEX {index}"
    )


def rebuild(key: tuple[str, ...]) -> None:
    names = ", ".join(column.split()[0] for column in COLUMNS if not column.startswith("CONSTRAINT"))
    op.execute(f"CREATE TABLE configs_anew ({', '.join(COLUMNS)}, PRIMARY KEY ({', '.join(key)}))")
    op.execute(f"INSERT INTO configs_anew ({names}) SELECT {names} FROM configs")
    op.drop_table("configs")
    op.rename_table("configs_anew", "configs")


def prefix(schema: str | None) -> str:
    """What stands before a name of ours in SQL; the schema may bear the name of a keyword."""
    return f'"{schema}".' if schema else ""


def outside_a_transaction(schema: str | None) -> AbstractContextManager[None]:
    """PostgreSQL builds an index CONCURRENTLY in no transaction; SQLite has nothing of the kind."""
    return nullcontext() if schema is None else op.get_context().autocommit_block()
