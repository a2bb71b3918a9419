"""What PostgreSQL says of itself that decides how our tables fare in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from cobalt_mirror.db.engine import schema_of
from cobalt_mirror.db.lock_holders import Holder
from cobalt_mirror.db.tables import metadata

#: What our processes do with a table.
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
#: What a host's role needs to publish and to read: a right and a table. The view is read like a table.
HOST_RIGHTS = [
    ("INSERT", "events"),
    *(("SELECT", name) for name in [*(table.name for table in metadata.sorted_tables), "integrations"]),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransaction:
    """A transaction that keeps vacuum from removing rows that ended since it began."""

    pid: int
    user: str | None
    application: str | None
    state: str | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Locker:
    """A transaction with a lock on a table of ours beside which nobody else can change it, or even read it."""

    table: str
    holder: Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A replication slot that keeps vacuum from removing rows.

    Attributes:
        is_active: whether somebody reads from it now.
        age: how many transactions have begun since the oldest one that it keeps.
    """

    name: str
    is_active: bool
    age: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a PostgreSQL server says.

    Attributes:
        version: as a number, such as 160004.
        isolation: the isolation level that transactions of this role get if they ask for none.
        idle_seconds: after how long the server ends a transaction that is idle; 0: never.
        statement_seconds: after how long it ends a statement; 0: never.
        max_connections: the most connections of roles that are no superusers.
        connections: how many there are; other roles' count as well.
        port: the port of the server itself; None: it was reached over a Unix socket.
        sees_others: whether this role may see what other roles' transactions do.
        oldest: the oldest open transaction but our own; None: there is none that this role may see.
        lockers: the transactions that keep others from reading or changing our tables for a while already.
        slots: the replication slots that keep rows.
        prepared_since: when the oldest prepared transaction (two-phase commit) was prepared; None: there is none.
        live: rows of the table `events`, as the server estimates them.
        dead: rows of it that vacuum has still to remove.
        lacking: the rights that this role lacks on our tables, such as `DELETE on events`.
    """

    version: int
    isolation: str
    idle_seconds: float
    statement_seconds: float
    max_connections: int
    connections: int
    port: int | None
    sees_others: bool
    oldest: OpenTransaction | None
    lockers: Sequence[Locker]
    slots: Sequence[Slot]
    prepared_since: datetime | None
    live: int
    dead: int
    lacking: Sequence[str]


_SETTINGS = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('default_transaction_isolation') AS isolation,
       (SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout') AS idle_ms,
       (SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout') AS statement_ms,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       inet_server_port() AS port,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_others,
       (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared_since
"""
_OLDEST = """
SELECT pid, usename, application_name, state, xact_start FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database() AND xact_start IS NOT NULL
  AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)
ORDER BY xact_start LIMIT 1
"""
_LOCKERS = """
SELECT c.relname AS table, l.pid, a.application_name AS application, a.xact_start AS since
FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND c.relnamespace = to_regnamespace(:schema)
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND c.relkind = 'r'
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND (a.xact_start IS NULL OR clock_timestamp() - a.xact_start > interval '5 s')
ORDER BY a.xact_start, c.relname
"""
_SLOTS = (
    "SELECT slot_name, active, age(xmin) AS age FROM pg_replication_slots WHERE xmin IS NOT NULL ORDER BY slot_name"
)
_ROWS = """
SELECT n_live_tup AS live, n_dead_tup AS dead FROM pg_stat_user_tables
WHERE schemaname = :schema AND relname = 'events'
"""
_LACKING = """
SELECT wanted.privilege || ' on ' || wanted.name AS lacking
FROM unnest(CAST(:tables AS text[]), CAST(:rights AS text[])) WITH ORDINALITY AS wanted (name, privilege, place)
WHERE NOT has_table_privilege(quote_ident(:schema) || '.' || quote_ident(wanted.name), wanted.privilege)
ORDER BY wanted.place
"""


def ask_server(connection: Connection) -> ServerFacts:
    """Ask a PostgreSQL server; our tables must be in it."""
    schema = schema_of(connection)
    row = connection.execute(text(_SETTINGS)).one()
    oldest = connection.execute(text(_OLDEST)).one_or_none()
    rows = connection.execute(text(_ROWS), {"schema": schema}).one_or_none()
    return ServerFacts(
        version=row.version,
        isolation=row.isolation,
        idle_seconds=row.idle_ms / 1_000,
        statement_seconds=row.statement_ms / 1_000,
        max_connections=row.most,
        connections=row.connections,
        port=row.port,
        sees_others=row.sees_others,
        oldest=None
        if oldest is None
        else OpenTransaction(
            pid=oldest.pid,
            user=oldest.usename,
            application=oldest.application_name or None,
            state=oldest.state,
            since=oldest.xact_start,
        ),
        lockers=find_lockers(connection),
        slots=[
            Slot(name=each.slot_name, is_active=each.active, age=each.age) for each in connection.execute(text(_SLOTS))
        ],
        prepared_since=row.prepared_since,
        live=0 if rows is None else rows.live,
        dead=0 if rows is None else rows.dead,
        lacking=find_lacking(connection, [(right, table.name) for table in metadata.sorted_tables for right in RIGHTS]),
    )


def find_lockers(connection: Connection) -> list[Locker]:
    """Find the transactions that have kept others from reading or changing our tables for a while."""
    return [
        Locker(table=each.table, holder=Holder(pid=each.pid, application=each.application or None, since=each.since))
        for each in connection.execute(text(_LOCKERS), {"schema": schema_of(connection)})
    ]


def find_lacking(connection: Connection, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """Find the rights on our tables that this role lacks, such as `DELETE on events`.

    Args:
        connection: a connection of the role.
        wanted: rights, each with the table. Without a right on the schema, the server raises an error.
    """
    rights, tables = [right for right, _ in wanted], [table for _, table in wanted]
    named = {"tables": tables, "rights": rights, "schema": schema_of(connection)}
    return list(connection.execute(text(_LACKING), named).scalars())
