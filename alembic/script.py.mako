"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

# WARNING: this runs on a live database, while the release before it is at work and hosts publish in transactions of
# their own. What waits for a lock makes every host wait behind it, and what holds one makes them wait until the commit.
#
# - One version changes one existing table, in a few statements that touch no rows: lock_timeout and statement_timeout
#   (db/migrating/patience.py) end what takes longer. Rows are filled in by later, small transactions.
# - The release before must go on working: a new column is nullable or has a constant default; nothing is renamed,
#   narrowed or dropped before no running release uses it.
# - An index on an existing table is built CONCURRENTLY, with if_not_exists=True, in a version that does nothing else,
#   inside op.get_context().autocommit_block(); 0005_index_unfinished_events.py is the example. The runner drops an
#   invalid index that an attempt before left behind.
# - Import nothing of cobalt_mirror: it goes on changing, this version does not. Write the types down here:
#     ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
#     JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")
#     TIME = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
# - Name the file after the change: 0006_add_events_pause.py.


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
