"""The event log."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DefaultClause,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    TextClause,
    literal_column,
    text,
)

from cobalt_mirror.db.columns import Id, OneOf, OneOrNone, Words
from cobalt_mirror.db.host_columns import HostJson, HostTime, Traceparent
from cobalt_mirror.db.statuses import EventStatus, Move, Unseen
from cobalt_mirror.db.tables.declaring import DECLARED_SCHEMA, NewId, database_now, is_status, metadata, quoted


def _is(status: EventStatus) -> TextClause:
    return text(f"status = '{status}'")


events = Table(
    "events",
    metadata,
    Column("source", Id(), primary_key=True, server_default=quoted("host")),
    Column("id", Id(), primary_key=True, server_default=DefaultClause(NewId())),
    Column("type", Text, nullable=False),
    Column("linked_account_id", Id(), nullable=False),
    Column("slug", Id()),
    Column("payload", HostJson, nullable=False, server_default=quoted("{}")),
    Column("occurred_at", HostTime, nullable=False, server_default=database_now()),
    Column("recorded_at", HostTime, nullable=False, server_default=database_now()),
    Column("status", OneOf(EventStatus), nullable=False, server_default=quoted(EventStatus.PENDING)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("looks", Integer, nullable=False, server_default=text("0")),
    Column("due_at", HostTime, nullable=False, server_default=database_now()),
    Column("retrying_since", HostTime),
    Column("finished_at", HostTime),
    Column("last_error", Words),
    Column("last_response", HostJson),
    Column("move", OneOrNone(Move)),
    Column("detail", Words),
    Column("alone", Boolean, nullable=False, server_default=text("false")),
    Column("meant_for", HostJson),
    Column("effect", HostJson),
    Column("fingerprint", Text),
    #: In which order rows were inserted. The schema gives it, on SQLite by a trigger; NULL: older than version 0009.
    Column("number", BigInteger),
    #: What Cobalt did not show, so that the event ended without effect; a read that shows it makes the event pending.
    Column("unseen", OneOrNone(Unseen)),
    #: Which operator set it back to pending or discarded it last, and when.
    Column("operator", Words),
    Column("operated_at", HostTime),
    #: The host's span in which it was published.
    Column("traceparent", Traceparent),
    is_status(EventStatus),
)
#: Where PostgreSQL has the numbers of events from.
event_numbers = Sequence("events_number", schema=DECLARED_SCHEMA)
Index(
    "ix_events_due",
    events.c.due_at,
    postgresql_where=_is(EventStatus.PENDING),
    sqlite_where=_is(EventStatus.PENDING),
)
#: What failed before, so that it is found beside a hundred thousand events that did not.
Index(
    "ix_events_retrying",
    events.c.due_at,
    postgresql_where=text("status = 'pending' AND retrying_since IS NOT NULL"),
    sqlite_where=text("status = 'pending' AND retrying_since IS NOT NULL"),
)
Index(
    "ix_events_unfinished",
    events.c.linked_account_id,
    postgresql_where=text("finished_at IS NULL"),
    sqlite_where=text("finished_at IS NULL"),
)
#: Waits for something; for questions about all accounts, which `ix_events_due` answers.
#:
#: The word itself and no parameter: PostgreSQL soon plans a prepared statement without looking at its parameters, and
#: sees only so that the partial index serves. Beside a million finished events, a look for due ones took 300 ms else.
is_pending: ColumnElement[bool] = events.c.status == literal_column(f"'{EventStatus.PENDING}'")
#: The same, for questions about one account. It has words and an index of its own because PostgreSQL, having last
#: counted when nothing waited, takes one partial index for as good as another that follows from the same words: it
#: read all that was due in search of an account's events, which made 4,000 waiting ones two to three times as dear.
is_unfinished: ColumnElement[bool] = events.c.finished_at.is_(None)
Index(
    "ix_events_unseen",
    events.c.linked_account_id,
    postgresql_where=text("unseen IS NOT NULL"),
    sqlite_where=text("unseen IS NOT NULL"),
)
#: In the word itself, for the reason that `is_pending` gives.
is_dead: ColumnElement[bool] = events.c.status == literal_column(f"'{EventStatus.DEAD}'")
Index("ix_events_subject", events.c.linked_account_id, events.c.slug, events.c.occurred_at, events.c.id)
Index(
    "ix_events_dead",
    events.c.finished_at,
    postgresql_where=_is(EventStatus.DEAD),
    sqlite_where=_is(EventStatus.DEAD),
)
