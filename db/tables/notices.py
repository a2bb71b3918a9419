"""The receivers of notices, and their notices. Hosts have no use for these tables."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from cobalt_mirror.db.columns import Id, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import ChangeType, NoticeStatus, ReceiverKind
from cobalt_mirror.db.tables.declaring import metadata

#: A row for each endpoint and handler that follows the change feed; `position` is the last entry that it has a notice
#: of, or had no use for.
receivers = Table(
    "receivers",
    metadata,
    Column("name", Id(), primary_key=True),
    Column("kind", OneOf(ReceiverKind), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    #: When it took a notice last.
    Column("delivered_at", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("disabled_because", Words),
)

#: An entry of the change feed for one receiver. Nothing personal is in here: what is sent is read when it is sent.
notices = Table(
    "notices",
    metadata,
    Column("receiver", Id(), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    #: What the receiver knows it by; the same for each attempt.
    Column("id", Text, nullable=False),
    Column("type", OneOf(ChangeType), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("linked_account_id", Id()),
    Column("slug", Id()),
    Column("connection_id", Id()),
    Column("auth_type", Text),
    Column("status", OneOf(NoticeStatus), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    #: Until then, one process has it in hand.
    Column("taken_until", UtcDateTime),
    #: When the first attempt began; again empty after `notices enable`.
    Column("begun_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    #: Whether the receiver has it, as far as is known: it took it, or an attempt ended without an answer.
    Column("told", Boolean, nullable=False, server_default=text("false")),
    Column("detail", Words),
    Column("ended_at", UtcDateTime),
)
Index(
    "ix_notices_due",
    notices.c.receiver,
    notices.c.due_at,
    postgresql_where=text("status = 'pending'"),
    sqlite_where=text("status = 'pending'"),
)
#: For the earlier notices about a connection.
Index("ix_notices_connection", notices.c.linked_account_id, notices.c.slug)
#: What was given up: nothing, nearly always.
Index(
    "ix_notices_failed",
    notices.c.receiver,
    postgresql_where=text("status = 'failed'"),
    sqlite_where=text("status = 'failed'"),
)
