"""Every table of ours: the event log, the mirror, the history, and the few rows that coordinate workers.

The names of the first six and of the view `integrations` are a contract with hosts in any language.
Defaults live in the schema, so that a plain SQL INSERT into `events` needs three columns.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DefaultClause,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import (
    AccountStatus,
    ConfigStatus,
    ConnectionStatus,
    EventStatus,
    Move,
    RowKind,
    SuspicionKind,
    SuspicionOutcome,
)

#: The schema that the tables are declared in; `db.engine` translates it to the configured one (none on SQLite).
DECLARED_SCHEMA = "cobalt_mirror"

metadata = MetaData(
    schema=DECLARED_SCHEMA,
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"},
)


class _Now(ClauseElement):
    """The database's clock, in the one form that `UtcDateTime` stores."""

    inherit_cache = True


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: SQLCompiler, **_options: object) -> str:
    return "clock_timestamp()"


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: SQLCompiler, **_options: object) -> str:
    return "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')"


class _NewId(ClauseElement):
    """A random id for rows that are inserted by hand without one."""

    inherit_cache = True


@compiles(_NewId, "postgresql")
def _postgresql_id(_element: _NewId, _compiler: SQLCompiler, **_options: object) -> str:
    return "gen_random_uuid()::text"


@compiles(_NewId, "sqlite")
def _sqlite_id(_element: _NewId, _compiler: SQLCompiler, **_options: object) -> str:
    return "(lower(hex(randomblob(16))))"


def database_now() -> DefaultClause:
    """The default of a column that says when a row was made."""
    return DefaultClause(_Now())


def _text(value: str) -> TextClause:
    return text(f"'{value}'")


def _is_status(members: type[StrEnum]) -> CheckConstraint:
    """The constraint that `status` is one of these words, as the migrations wrote it."""
    return CheckConstraint(f"status IN ({', '.join(map(repr, map(str, members)))})", name="status")


def _is(status: EventStatus) -> TextClause:
    return text(f"status = '{status}'")


events = Table(
    "events",
    metadata,
    Column("source", Id(), primary_key=True, server_default=_text("host")),
    Column("id", Id(), primary_key=True, server_default=DefaultClause(_NewId())),
    Column("type", Text, nullable=False),
    Column("linked_account_id", Id(), nullable=False),
    Column("slug", Id()),
    Column("payload", Json, nullable=False, server_default=_text("{}")),
    Column("occurred_at", UtcDateTime, nullable=False, server_default=database_now()),
    Column("recorded_at", UtcDateTime, nullable=False, server_default=database_now()),
    Column("status", OneOf(EventStatus), nullable=False, server_default=_text(EventStatus.PENDING)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("looks", Integer, nullable=False, server_default=text("0")),
    Column("due_at", UtcDateTime, nullable=False, server_default=database_now()),
    Column("retrying_since", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("last_error", Words),
    Column("last_response", Json),
    Column("move", OneOf(Move)),
    Column("detail", Words),
    Column("alone", Boolean, nullable=False, server_default=text("false")),
    Column("meant_for", Json),
    Column("effect", Json),
    Column("fingerprint", Text),
    _is_status(EventStatus),
)
Index(
    "ix_events_due",
    events.c.due_at,
    postgresql_where=_is(EventStatus.PENDING),
    sqlite_where=_is(EventStatus.PENDING),
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
Index("ix_events_subject", events.c.linked_account_id, events.c.slug, events.c.occurred_at, events.c.id)
Index(
    "ix_events_dead",
    events.c.finished_at,
    postgresql_where=_is(EventStatus.DEAD),
    sqlite_where=_is(EventStatus.DEAD),
)

linked_accounts = Table(
    "linked_accounts",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("name", Words),
    Column("udf", Json),
    Column("environment", Text),
    Column("status", OneOf(AccountStatus), nullable=False),
    Column("verified_at", UtcDateTime),
    _is_status(AccountStatus),
)

connections = Table(
    "connections",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("status", OneOf(ConnectionStatus), nullable=False),
    Column("accounts", Json),
    Column("connected_at", UtcDateTime),
    Column("verified_at", UtcDateTime),
    _is_status(ConnectionStatus),
)

configs = Table(
    "configs",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("config_id", Id(), primary_key=True),
    Column("fields", Json, nullable=False),
    Column("workflows", Json, nullable=False),
    Column("schema", Json, nullable=False),
    Column("field_errors", Json, nullable=False),
    Column("status", OneOf(ConfigStatus), nullable=False),
    Column("verified_at", UtcDateTime),
    _is_status(ConfigStatus),
)

applications = Table(
    "applications",
    metadata,
    Column("slug", Id(), primary_key=True),
    Column("name", Words, nullable=False),
    Column("icon", Words),
    Column("description", Words),
    Column("tags", Json, nullable=False),
    Column("auth_types", Json, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("verified_at", UtcDateTime),
)

history = Table(
    "history",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("what", OneOf(RowKind), nullable=False),
    Column("linked_account_id", Id()),
    Column("slug", Id()),
    Column("config_id", Id()),
    Column("changes", Json, nullable=False),
    Column("because", Json, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_history_account", history.c.linked_account_id, history.c.number)

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
)

#: What Cobalt's webhook told us: hints, kept for the record. An instance of a workflow is told once.
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

#: Accounts that were deleted for good, and when Cobalt confirmed it. Nothing personal is in here but the id.
#: Until `settles_at` a write of the generation that ended, whose answer never came, may land; the next one waits.
deletions = Table(
    "deletions",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("source", Id(), nullable=False),
    Column("event_id", Id(), nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("gone_at", UtcDateTime),
    Column("confirmed_at", UtcDateTime),
    Column("settles_at", UtcDateTime),
    Column("note", Text),
)

#: One row a run of the reconciliation. `finished_at` stays empty unless it really finished.
runs = Table(
    "runs",
    metadata,
    Column("id", Id(), primary_key=True),
    Column("options", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("resumes", Id()),
    # The one place that a run holds while it gives signs of life: empty for every other run.
    Column("place", Text),
    Column("alive_until", UtcDateTime),
    # The walk: when its first page was asked for (by the run that this one resumes, if so), how much of the listing
    # is behind it, how long the listing is, and how many accounts came without their integrations.
    Column("walking_since", UtcDateTime, nullable=False),
    Column("walked_at", UtcDateTime),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer),
    Column("untold", Integer, nullable=False, server_default=text("0")),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("compared", Integer, nullable=False, server_default=text("0")),
    Column("adopted", Integer, nullable=False, server_default=text("0")),
    Column("repaired", Integer, nullable=False, server_default=text("0")),
    Column("left", Integer, nullable=False, server_default=text("0")),
    Column("calls", Integer, nullable=False, server_default=text("0")),
    Column("stopped_because", Words),
)
Index("ix_runs_started_at", runs.c.started_at)
Index("ix_runs_place", runs.c.place, unique=True)

#: The accounts that the walk of a run saw; of those that the mirror does not know also what it is to adopt, once the
#: run may change anything.
walked = Table(
    "walked",
    metadata,
    Column("run_id", Id(), primary_key=True),
    Column("linked_account_id", Id(), primary_key=True),
    Column("unknown", Json),
)

#: Subjects that a run wants read before anything is believed of them, and what came of it. An empty slug is the
#: account itself. `differences` names columns; what customers wrote is not in here.
suspicions = Table(
    "suspicions",
    metadata,
    Column("run_id", Id(), primary_key=True),
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("kind", OneOf(SuspicionKind), nullable=False),
    Column("differences", Json, nullable=False),
    Column("listed_created_at", UtcDateTime),
    Column("outcome", OneOf(SuspicionOutcome)),
)
Index("ix_suspicions_subject", suspicions.c.linked_account_id, suspicions.c.slug)

#: When a connection was last looked at with all its configs by a reconciliation, and the time of creation that the
#: listing told then: for one with several auth types it is none of those that the connection itself shows.
looks = Table(
    "looks",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("listed_created_at", UtcDateTime),
)

# What follows coordinates workers; hosts have no business with it.

#: One row an account that is being worked on, or whose message is under way; it goes when the work is given back.
work = Table(
    "work",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("sent_until", UtcDateTime),
    Column("lease_token", Text),
    Column("leased_until", UtcDateTime),
    Column("slug", Id()),
)

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
)
Index("ix_checks_due_at", checks.c.due_at)

#: A handful of facts about the whole installation: the pinned environment, a halt, the catalogue's age.
state = Table(
    "state",
    metadata,
    Column("key", Id(), primary_key=True),
    Column("value", Json, nullable=False),
)
