"""The mirror, its history and the change feed. Hosts read these tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words
from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConfigStatus, ConnectionStatus, RowKind
from cobalt_mirror.db.tables.declaring import is_status, metadata, quoted

linked_accounts = Table(
    "linked_accounts",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("name", Words),
    Column("udf", Json),
    Column("environment", Text),
    Column("status", OneOf(AccountStatus), nullable=False),
    Column("verified_at", UtcDateTime),
    is_status(AccountStatus),
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
    is_status(ConnectionStatus),
)

configs = Table(
    "configs",
    metadata,
    Column("linked_account_id", Id(), primary_key=True),
    Column("slug", Id(), primary_key=True),
    Column("config_id", Id(), primary_key=True),
    Column("connection_id", Id(), primary_key=True, server_default=quoted("")),
    Column("fields", Json, nullable=False),
    Column("workflows", Json, nullable=False),
    Column("schema", Json, nullable=False),
    Column("field_errors", Json, nullable=False),
    Column("status", OneOf(ConfigStatus), nullable=False),
    Column("verified_at", UtcDateTime),
    is_status(ConfigStatus),
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
    Column("app_id", Id()),
    Column("type", Text),
    Column("kind", Text),
    Column("has_multi_auth", Boolean, nullable=False, server_default=text("false")),
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
    Column("connection_id", Id()),
    Column("changes", Json, nullable=False),
    Column("because", Json, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_history_account", history.c.linked_account_id, history.c.number)

#: The change feed. A row has no position until its transaction is committed and a process has numbered it: the numbers
#: of rows commit out of order, and positions do not (docs/decisions/0013). So a reader loses nothing that asks for
#: `position > :after ORDER BY position`.
changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("position", BigInteger),
    Column("type", OneOf(ChangeType), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("linked_account_id", Id()),
    Column("slug", Id()),
    Column("connection_id", Id()),
    Column("config_id", Id()),
    Column("data", Json, nullable=False),
    sqlite_autoincrement=True,
)
Index(
    "ix_changes_position",
    changes.c.position,
    unique=True,
    postgresql_where=text("position IS NOT NULL"),
    sqlite_where=text("position IS NOT NULL"),
)
#: What has no position yet: none, nearly always.
Index(
    "ix_changes_unnumbered",
    changes.c.number,
    postgresql_where=text("position IS NULL"),
    sqlite_where=text("position IS NULL"),
)
Index("ix_changes_account", changes.c.linked_account_id, changes.c.number)
