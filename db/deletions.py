"""Deleted accounts: their receipts, where a new life begins, and how everything personal is taken out of all tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, tuple_, update

from cobalt_mirror.db.engine import upsert
from cobalt_mirror.db.log import DELETION, SIGN_UP, LoggedEvent, content_of, is_subject
from cobalt_mirror.db.mirror import Because, find_row, record_history
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus, EventStatus
from cobalt_mirror.db.tables import (
    checks,
    configs,
    connections,
    deletions,
    events,
    history,
    is_pending,
    is_unfinished,
    linked_accounts,
    looks,
    notifications,
    suspicions,
    walked,
    workflow_runs,
)
from cobalt_mirror.db.vault import Vault

#: Why an event of a life that is over came to nothing.
ACCOUNT_DELETED = "account deleted"

#: What the history may say of an account that is gone, with values; of all else it keeps that it changed.
_IMPERSONAL = frozenset({"status", "environment"})
_KEYS_A_STATEMENT = 1_000

Key = tuple[str, str]
Order = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The receipt of an account's last deletion.

    Attributes:
        source: with `event_id`, the event that asked for it.
        event_id: see `source`.
        occurred_at: when that happened; what happened until then belongs to the life that ended.
        gone_at: when Cobalt said that there is no such account.
        confirmed_at: when it said so again, after the longest time that a delayed write may take; None: not yet.
        settles_at: until when a write whose answer never came may land; a new life waits. None: there is none such.
        note: what the operator should know about it.
    """

    linked_account_id: str
    source: str
    event_id: str
    occurred_at: datetime
    gone_at: datetime
    confirmed_at: datetime | None = None
    settles_at: datetime | None = None
    note: str | None = None


_RECEIPT = [deletions.c[each.name] for each in fields(Deletion)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where one life of an account ended, and the sign-up with which the next one began, if one did."""

    deletion: Deletion
    begun: LoggedEvent | None

    def is_over_for(self, type_: str, order: Order) -> bool:
        """Whether an event, by its type and its place among others, is of the ended life or of none."""
        if order[0] <= self.deletion.occurred_at:
            return True
        if type_ in {SIGN_UP, DELETION}:
            return False
        return self.begun is None or order < self.begun.order


def find_deletion(connection: Connection, linked_account_id: str) -> Deletion | None:
    """The receipt of the account's last deletion, if it was ever deleted."""
    row = connection.execute(select(*_RECEIPT).where(deletions.c.linked_account_id == linked_account_id)).one_or_none()
    return None if row is None else Deletion(**row._mapping)


def record_deletion(connection: Connection, deletion: Deletion) -> None:
    """Write the receipt, over that of an earlier deletion."""
    upsert(connection, deletions, asdict(deletion))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDeletions:
    """Deletions that are not over, or that left something to know.

    Attributes:
        asked: how many events ask for one that Cobalt did not carry out yet.
        asked_at: when the oldest of these events was recorded; None: there is none.
        unconfirmed: how many accounts are gone and were not looked at a second time yet.
        oldest_unconfirmed: the one of these that is gone the longest.
        noted: how many receipts have a note.
        oldest_noted: the one of these whose account is gone the longest.
    """

    asked: int
    asked_at: datetime | None
    unconfirmed: int
    oldest_unconfirmed: Deletion | None
    noted: int
    oldest_noted: Deletion | None


def find_open_deletions(connection: Connection) -> OpenDeletions:
    """How many deletions wait for something, and the oldest of each kind."""
    d = deletions.c
    oldest = func.min(events.c.recorded_at, type_=events.c.recorded_at.type)
    waiting = select(func.count(), oldest).where(events.c.type == DELETION, is_pending)
    asked, asked_at = connection.execute(waiting).one()
    unconfirmed, oldest_unconfirmed = _count_and_oldest(connection, d.confirmed_at.is_(None) & d.note.is_(None))
    noted, oldest_noted = _count_and_oldest(connection, d.note.is_not(None))
    return OpenDeletions(
        asked=asked,
        asked_at=asked_at,
        unconfirmed=unconfirmed,
        oldest_unconfirmed=oldest_unconfirmed,
        noted=noted,
        oldest_noted=oldest_noted,
    )


def _count_and_oldest(connection: Connection, wanted: ColumnElement[bool]) -> tuple[int, Deletion | None]:
    number = connection.execute(select(func.count()).select_from(deletions).where(wanted)).scalar_one()
    in_order = (deletions.c.gone_at, deletions.c.linked_account_id)
    row = connection.execute(select(*_RECEIPT).where(wanted).order_by(*in_order).limit(1)).one_or_none()
    return number, None if row is None else Deletion(**row._mapping)


def find_life(connection: Connection, linked_account_id: str) -> Life | None:
    """The account's deletion and the first sign-up after it. None: it was never deleted."""
    deletion = find_deletion(connection, linked_account_id)
    return None if deletion is None else get_life(connection, deletion)


def get_life(connection: Connection, deletion: Deletion) -> Life:
    """The first sign-up after a deletion."""
    statement = (
        select(*(events.c[name] for name in LoggedEvent.__dataclass_fields__))
        .where(
            is_subject(deletion.linked_account_id, ""),
            events.c.type == SIGN_UP,
            events.c.status != EventStatus.DEAD,
            events.c.occurred_at > deletion.occurred_at,
        )
        .order_by(events.c.occurred_at, events.c.id, events.c.source)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return Life(deletion=deletion, begun=None if row is None else LoggedEvent(**row._mapping))


def find_waiting_deletion(connection: Connection, linked_account_id: str) -> datetime | None:
    """When the account's waiting deletion is due, if one waits: nothing else is done for the account before it."""
    statement = select(func.min(events.c.due_at, type_=events.c.due_at.type)).where(
        is_subject(linked_account_id, ""), events.c.type == DELETION, is_unfinished
    )
    found: datetime | None = connection.execute(statement).scalar_one()
    return found


def bury(connection: Connection, life: Life, because: Because, vault: Vault) -> None:
    """Make the mirror show that the account is gone, also one that it never showed, and take out all that is personal.

    Keys, times, statuses and fingerprints stay: an event that comes a second time is still known.
    """
    account = life.deletion.linked_account_id
    _end_rows(connection, account, because)
    _strip_history(connection, account)
    strip_hints(connection, account)
    connection.execute(delete(checks).where(checks.c.linked_account_id == account, checks.c.slug != ""))
    connection.execute(update(checks).where(checks.c.linked_account_id == account).values(last_error=None))
    cause = (life.deletion.source, life.deletion.event_id)
    rows = connection.execute(
        select(events.c.source, events.c.id, events.c.type, events.c.occurred_at).where(
            events.c.linked_account_id == account
        )
    )
    over = [(row.source, row.id) for row in rows if life.is_over_for(row.type, (row.occurred_at, row.id, row.source))]
    strip_events(connection, (key for key in over if key != cause), at=because.at, vault=vault)


def strip_events(connection: Connection, keys: Iterable[Key], *, at: datetime, vault: Vault) -> None:
    """Take out what events say; those that wait or that somebody had to act on are superseded."""
    left = iter(keys)
    while some := list(islice(left, _KEYS_A_STATEMENT)):
        ours = tuple_(events.c.source, events.c.id).in_(some)
        _mark_unmarked(connection, some, vault)
        bare: dict[str, Any] = {
            "payload": {},
            "meant_for": None,
            "effect": None,
            "last_error": None,
            "last_response": None,
            "move": None,
            "detail": None,
        }
        connection.execute(update(events).where(ours).values(bare))
        connection.execute(
            update(events)
            .where(ours, events.c.status.in_([EventStatus.PENDING, EventStatus.DEAD]))
            .values(status=EventStatus.SUPERSEDED, detail=ACCOUNT_DELETED, finished_at=at)
        )


def strip_hints(connection: Connection, linked_account_id: str) -> None:
    """Take out what Cobalt's notifications told of the account, and what reconciliations noted of it."""
    connection.execute(
        update(notifications).where(notifications.c.linked_account_id == linked_account_id).values(payload=None)
    )
    for table in (workflow_runs, looks, suspicions, walked):
        connection.execute(delete(table).where(table.c.linked_account_id == linked_account_id))


def _mark_unmarked(connection: Connection, keys: Sequence[Key], vault: Vault) -> None:
    """Rows inserted by hand have no fingerprint: without their payload only that tells whether the id came again."""
    named = [events.c[name] for name in ("source", "id", "type", "linked_account_id", "slug", "payload")]
    rows = connection.execute(
        select(*named).where(tuple_(events.c.source, events.c.id).in_(keys), events.c.fingerprint.is_(None))
    ).mappings()
    for row in rows.all():
        content = content_of({str(name): value for name, value in row.items()})
        mark = vault.fingerprint(content, secret=bool(vault))
        ours = (events.c.source == row["source"], events.c.id == row["id"])
        connection.execute(update(events).where(*ours).values(fingerprint=mark))


# --- the mirror and its history ---------------------------------------------------------------------------------------

#: What is left of a connection and of a config.
_ENDED: Mapping[Any, Mapping[str, Any]] = {
    connections: {"status": ConnectionStatus.DISCONNECTED, "accounts": [], "connected_at": None},
    configs: {"status": ConfigStatus.DELETED, "fields": {}, "workflows": [], "schema": {}, "field_errors": []},
}


def _end_rows(connection: Connection, account: str, because: Because) -> None:
    key = {"linked_account_id": account}
    before = find_row(connection, linked_accounts, key)
    gone = {"name": None, "udf": None, "status": AccountStatus.DELETED, "verified_at": because.at}
    upsert(connection, linked_accounts, {**key, **gone})
    if before is None or before["status"] is not AccountStatus.DELETED:
        record_history(connection, linked_accounts, key, _ended(before, AccountStatus.DELETED), because)
    for table, bare in _ENDED.items():
        rows = connection.execute(select(table).where(table.c.linked_account_id == account)).mappings().all()
        for row in rows:
            if row["status"] != bare["status"]:
                record_history(
                    connection, table, {str(k): v for k, v in row.items()}, _ended(row, bare["status"]), because
                )
        ours = table.c.linked_account_id == account
        connection.execute(update(table).where(ours).values(**bare, verified_at=because.at))


def _ended(before: Mapping[Any, Any] | None, status: str) -> dict[str, Any]:
    return {"status": [None if before is None else before["status"], status]}


def _strip_history(connection: Connection, account: str) -> None:
    """Of what changed, which columns did stays, and the values of those that say nothing about a person."""
    rows = connection.execute(select(history.c.number, history.c.changes).where(history.c.linked_account_id == account))
    bare = [{"number_": row.number, "changes": kept} for row in rows if (kept := _bare(row.changes)) != row.changes]
    if bare:
        statement = update(history).where(history.c.number == bindparam("number_")).values(changes=bindparam("changes"))
        connection.execute(statement, bare)


def _bare(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told if name in _IMPERSONAL else [None, None] for name, told in changes.items()}
