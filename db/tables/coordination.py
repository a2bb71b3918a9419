"""What coordinates workers. Hosts have no use for these tables."""

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, text

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import Expected, ProcessKind
from cobalt_mirror.db.tables.declaring import metadata

#: A row for each account that is being worked on or whose message is under way; it goes when the lease ends.
work = Table(
    "work",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("sent_until", UtcDateTime),
    Column("lease_token", Text),
    Column("leased_until", UtcDateTime),
    Column("slug", Id()),
    #: Whether what the message is for failed before.
    Column("is_retry", Boolean, nullable=False, server_default=text("false")),
)
#: What is under way now is found without reading what ended, which stays while any transaction is open.
Index("ix_work_sent_until", work.c.sent_until)
Index("ix_work_leased_until", work.c.leased_until)

#: Subjects to read again although no event asks for it. An empty slug is the account itself.
checks = Table(
    "checks",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("again_at", UtcDateTime),
    Column("reason", Words, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Words),
    #: What the read should show, if a notification or a listing said so; `looks` counts the reads that did not.
    Column("expects", OneOf(Expected)),
    Column("looks", Integer, nullable=False, server_default=text("0")),
    #: Configs that did not show when the last read looked, as lists of config id, connection id and since when.
    Column("absent", Json),
)
Index("ix_checks_due_at", checks.c.due_at)

#: Accounts that the mirror shows and that Cobalt says it does not have, and since when it says so. One such answer is
#: no proof: a row becomes a missing account when it was looked at again for long enough, and goes when Cobalt shows it.
denials = Table(
    "denials",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
)

#: A row for each process, which it writes every few seconds. `trouble` says why it cannot work, if so; `ended_at` is
#: empty for one that was killed. `local_at` is what its machine's clock said at `seen_at`, which is the database's.
processes = Table(
    "processes",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("kind", OneOf(ProcessKind), nullable=False),
    Column("host", Words, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("release", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("trouble", Words),
    Column("local_at", UtcDateTime),
)

#: A handful of facts about the whole installation: the pinned environment, a halt, the catalogue's age.
state = Table(
    "state",
    metadata,
    Column("key", Id(), primary_key=True),
    Column("value", Json, nullable=False),
)
