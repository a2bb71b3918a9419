"""An audit by the database itself: triggers of the run's own that note who took and gave back which lease, for whom a
message was sent, and every write to the mirror, to the history and to an event's status, with its transaction.

PostgreSQL names the transaction. SQLite does not, but there writers queue: the rows of one transaction stand together,
and a worker's transaction begins with giving back the lease.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from cobalt_mirror.db.engine import reading

_MIRROR = ("linked_accounts", "connections", "configs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One row of the audit.

    Attributes:
        transaction: in which it was written; the same for all rows of one.
        kind: `work`, `mirror`, `history`, `event` (its status changed) or `stamp` (what a removal is meant for).
        details: what else is known, by kind.
    """

    number: int
    at: datetime
    transaction: str
    kind: str
    account: str
    details: dict[str, Any]


def install(engine: Engine, schema: str) -> None:
    """Have the database note everything from now on."""
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.begin() as connection:
        for statement in _on_sqlite() if is_sqlite else _on_postgresql(schema):
            connection.exec_driver_sql(statement)


def read_audit(engine: Engine) -> list[Note]:
    """Everything that was noted, in order."""
    with reading(engine).begin() as connection:
        return list(_notes(connection))


def _notes(connection: Connection) -> Iterator[Note]:
    is_sqlite = connection.dialect.name == "sqlite"
    name = "chaos_audit" if is_sqlite else "chaos.audit"
    transaction = 0
    for row in connection.execute(text(f"SELECT number, at, tx, kind, account, details FROM {name} ORDER BY number")):
        transaction += row.kind == "work"
        yield Note(
            number=row.number,
            at=datetime.fromisoformat(row.at) if isinstance(row.at, str) else row.at,
            transaction=str(transaction) if is_sqlite else row.tx,
            kind=row.kind,
            account=row.account,
            details=json.loads(row.details),
        )


# --- what is noted of a row: pairs of a name and an expression over NEW and OLD ---------------------------------------

_LEASE = {
    "old_token": "OLD.lease_token",
    "new_token": "NEW.lease_token",
    "old_until": "OLD.leased_until",
    "new_until": "NEW.leased_until",
    "old_sent_until": "OLD.sent_until",
    "sent_until": "NEW.sent_until",
    "is_retry": "NEW.is_retry",
}
_HISTORY = {"number": "NEW.number", "because": "NEW.because"}
_STATUS = {"source": "NEW.source", "id": "NEW.id", "before": "OLD.status", "after": "NEW.status"}
_STAMP = {"source": "NEW.source", "id": "NEW.id", "meant_for": "NEW.meant_for"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trigger:
    table: str
    operation: str
    kind: str
    details: dict[str, str]
    when: str = ""

    @property
    def name(self) -> str:
        return f"saw_{self.table}_{self.operation.lower()}_{self.kind}"

    @property
    def account(self) -> str:
        return f"{'OLD' if self.operation == 'DELETE' else 'NEW'}.linked_account_id"

    def seen(self, null: str) -> Iterator[tuple[str, str]]:
        """The pairs that exist for this operation; the others are null."""
        absent = {"INSERT": "OLD.", "DELETE": "NEW."}.get(self.operation, "-")
        yield "table", f"'{self.table}'"
        yield "operation", f"'{self.operation}'"
        for name, expression in self.details.items():
            yield name, null if expression.startswith(absent) else expression


def _triggers(stamp: _Trigger) -> list[_Trigger]:
    operations = ("INSERT", "UPDATE", "DELETE")
    return [
        *(_Trigger(table="work", operation=one, kind="work", details=_LEASE) for one in operations),
        *(_Trigger(table=table, operation=one, kind="mirror", details={}) for table in _MIRROR for one in operations),
        _Trigger(
            table="history",
            operation="INSERT",
            kind="history",
            details=_HISTORY,
            when="NEW.linked_account_id IS NOT NULL",
        ),
        _Trigger(table="events", operation="UPDATE", kind="event", details=_STATUS, when="OLD.status <> NEW.status"),
        stamp,
    ]


def _on_postgresql(schema: str) -> Iterator[str]:
    stamp = _Trigger(table="events", operation="INSERT", kind="stamp", details=_STAMP, when="NEW.meant_for IS NOT NULL")
    yield "CREATE SCHEMA chaos"
    yield """CREATE TABLE chaos.audit (
        number bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        tx text NOT NULL DEFAULT pg_current_xact_id()::text, kind text NOT NULL, account text, details text NOT NULL)"""
    for one in _triggers(stamp):
        pairs = ", ".join(f"'{name}', {expression}" for name, expression in one.seen("NULL::text"))
        yield f"""CREATE FUNCTION chaos.{one.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO chaos.audit (kind, account, details)
            VALUES ('{one.kind}', {one.account}, jsonb_build_object({pairs})::text);
            RETURN NULL; END $$"""
        when = f"WHEN ({one.when})" if one.when else ""
        yield f"""CREATE TRIGGER {one.name} AFTER {one.operation} ON {schema}.{one.table}
            FOR EACH ROW {when} EXECUTE FUNCTION chaos.{one.name}()"""


def _on_sqlite() -> Iterator[str]:
    # The stamp is written by an UPDATE there, in a trigger of the mirror's own.
    is_stamped = "NEW.meant_for IS NOT NULL AND OLD.meant_for IS NULL"
    stamp = _Trigger(table="events", operation="UPDATE", kind="stamp", details=_STAMP, when=is_stamped)
    yield """CREATE TABLE chaos_audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
        tx TEXT, kind TEXT NOT NULL, account TEXT, details TEXT NOT NULL)"""
    for one in _triggers(stamp):
        pairs = ", ".join(f"'{name}', {_parsed(expression)}" for name, expression in one.seen("NULL"))
        when = f"WHEN {one.when}" if one.when else ""
        yield f"""CREATE TRIGGER {one.name} AFTER {one.operation} ON {one.table} FOR EACH ROW {when} BEGIN
            INSERT INTO chaos_audit (kind, account, details) VALUES ('{one.kind}', {one.account}, json_object({pairs}));
            END"""


def _parsed(expression: str) -> str:
    """JSON is text there, and has to go in as JSON."""
    return f"json({expression})" if expression in {"NEW.because", "NEW.meant_for"} else expression
