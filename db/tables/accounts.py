"""What is known of an account beside the mirror: how its workflows ran, what Cobalt notified, its deletion."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, text

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import CallOutcome
from cobalt_mirror.db.tables.declaring import metadata

workflow_runs = Table(
    "workflow_runs",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("workflow_id", Id(), primary_key=True),
    Column("config_id", Id()),
    Column("workflow_name", Words),
    Column("last_status", Words),
    Column("last_run_at", UtcDateTime, nullable=False),
    Column("last_error", Words),
    Column("last_errored_at", UtcDateTime),
    Column("completed", Integer, nullable=False, server_default=text("0")),
    Column("errored", Integer, nullable=False, server_default=text("0")),
    Column("stopped", Integer, nullable=False, server_default=text("0")),
    Column("timed_out", Integer, nullable=False, server_default=text("0")),
)

#: What Cobalt's webhook sent: hints, kept for the record. Each instance of a workflow once for an account:
#: `instance_id` is unique, and names the account, too, if another account has the same (db/notifications.py).
notifications = Table(
    "notifications",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("received_at", UtcDateTime, nullable=False),
    Column("event", Words, nullable=False),
    Column("linked_account_id", Id()),
    Column("slug", Id()),
    Column("instance_id", Id()),
    Column("payload", Json),
    sqlite_autoincrement=True,
)
Index("ix_notifications_account", notifications.c.linked_account_id, notifications.c.number)
Index("ix_notifications_instance", notifications.c.instance_id, unique=True)

#: The calls to Cobalt: nothing of what they carried, and no id in the path. `attempt` is the same for the calls of one
#: attempt, and `because` says what they were for, as in the history. They go with the account; an empty
#: `linked_account_id` is no single one.
calls = Table(
    "calls",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("made_at", UtcDateTime, nullable=False),
    Column("linked_account_id", Id(), nullable=False),
    Column("slug", Id(), nullable=False),
    Column("connection_id", Id()),
    Column("attempt", Id(), nullable=False),
    Column("because", Json, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer),
    Column("took_ms", Integer, nullable=False),
    Column("waited_ms", Integer, nullable=False),
    Column("request_id", Words),
    Column("outcome", OneOf(CallOutcome), nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_calls_account", calls.c.linked_account_id, calls.c.number)

#: Accounts that were deleted for good, and when Cobalt confirmed it. Nothing personal is in here but the id.
#: Until `settles_at` a write of the generation that ended, whose answer never came, may land; the next one waits.
deletions = Table(
    "deletions",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("source", Id(), nullable=False),
    Column("event_id", Id(), nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("number", BigInteger),
    Column("gone_at", UtcDateTime),
    Column("confirmed_at", UtcDateTime),
    Column("settles_at", UtcDateTime),
    Column("note", Text),
    #: The place of the sign-up that began the next generation, once that is done: its own row may be pruned.
    Column("begun_at", UtcDateTime),
    Column("begun_number", BigInteger),
    Column("begun_id", Id()),
    Column("begun_source", Id()),
)
