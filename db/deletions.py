"""Deletions of accounts: the receipt that each leaves, and those that are not over."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, func, select, true, update

from cobalt_mirror.db.engine import upsert
from cobalt_mirror.db.log import DELETION, Place, is_subject
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.db.tables import deletions, events, is_pending, is_unfinished, linked_accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """The receipt of an account's last deletion.

    Attributes:
        source: with `event_id`, the event that asked for it.
        event_id: see `source`.
        occurred_at: when that happened; what happened until then belongs to the generation that ended.
        number: the number of that event, which orders what has the same time; None: it was inserted without one.
        begun_at: when the sign-up occurred that began the next generation, with its number, id and source; None: none
            was done yet, or by a release that did not note it.
        gone_at: when Cobalt said that there is no such account.
        confirmed_at: when it said so again, after the longest time that a delayed write may take; None: not yet.
        settles_at: until when a write whose answer never came may land; the next generation waits. None: no such write.
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
    number: int | None = None
    begun_at: datetime | None = None
    begun_number: int | None = None
    begun_id: str | None = None
    begun_source: str | None = None

    @property
    def begun(self) -> Place | None:
        """The place of the sign-up that began the next generation, as far as it is noted.

        A worker of an older release writes a later deletion over the receipt and leaves this as it was.
        """
        if self.begun_at is None or (self.begun_at, self.begun_number or 0) <= self.end:
            return None
        return self.begun_at, self.begun_number or 0, self.begun_id or "", self.begun_source or ""

    @property
    def end(self) -> tuple[datetime, int]:
        """Where the generation ended: its last events have this time, and no higher number."""
        return self.occurred_at, self.number or 0


_RECEIPT = [deletions.c[each.name] for each in fields(Deletion)]


def find_deletion(connection: Connection, linked_account_id: str) -> Deletion | None:
    """Find the receipt of an account's last deletion. None: it was never deleted."""
    row = connection.execute(select(*_RECEIPT).where(deletions.c.linked_account_id == linked_account_id)).one_or_none()
    return None if row is None else Deletion(**row._mapping)


def record_deletion(connection: Connection, deletion: Deletion) -> None:
    """Write the receipt, over that of an earlier deletion."""
    upsert(connection, deletions, asdict(deletion))


def record_begun(connection: Connection, deletion: Deletion, place: Place) -> None:
    """Note in the receipt which sign-up began the next generation, unless a later deletion has a receipt by now."""
    d = deletions.c
    is_its = (d.linked_account_id == deletion.linked_account_id, d.event_id == deletion.event_id)
    columns = dict(zip(("begun_at", "begun_number", "begun_id", "begun_source"), place, strict=True))
    connection.execute(update(deletions).where(*is_its, d.source == deletion.source).values(**columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDeletions:
    """Deletions that are not over, or that left something to know.

    Attributes:
        asked: how many events ask for a deletion that Cobalt did not carry out yet.
        asked_at: when the oldest of these events was recorded; None: there is none.
        unconfirmed: how many accounts are gone and were not read a second time yet.
        oldest_unconfirmed: the receipt of the account among them that is gone the longest.
        noted: how many receipts have a note.
        oldest_noted: the receipt among them whose account is gone the longest.
        returned: how many deleted accounts a later read found at Cobalt again.
        first_returned: the account among them that is gone the longest.
    """

    asked: int
    asked_at: datetime | None
    unconfirmed: int
    oldest_unconfirmed: Deletion | None
    noted: int
    oldest_noted: Deletion | None
    returned: int
    first_returned: str | None


def find_open_deletions(connection: Connection) -> OpenDeletions:
    """Count the deletions that wait for something, and find the oldest of each kind."""
    d = deletions.c
    oldest = func.min(events.c.recorded_at, type_=events.c.recorded_at.type)
    waiting = select(func.count(), oldest).where(events.c.type == DELETION, is_pending)
    asked, asked_at = connection.execute(waiting).one()
    unconfirmed, oldest_unconfirmed = _count_and_oldest(connection, d.confirmed_at.is_(None) & d.note.is_(None))
    noted, oldest_noted = _count_and_oldest(connection, d.note.is_not(None))
    returned, first_returned = find_returned(connection)
    return OpenDeletions(
        asked=asked,
        asked_at=asked_at,
        unconfirmed=unconfirmed,
        oldest_unconfirmed=oldest_unconfirmed,
        noted=noted,
        oldest_noted=oldest_noted,
        returned=returned,
        first_returned=first_returned,
    )


def find_returned(connection: Connection, *, only: str | None = None) -> tuple[int, str | None]:
    """Count the accounts that are deleted here and were found at Cobalt again, and find the one gone the longest.

    Args:
        connection: the transaction.
        only: an account, if only that one is asked for.
    """
    is_its = linked_accounts.c.linked_account_id == deletions.c.linked_account_id
    is_deleted = exists().where(is_its, linked_accounts.c.status == AccountStatus.DELETED)
    is_asked = true() if only is None else deletions.c.linked_account_id == only
    number, oldest = _count_and_oldest(connection, deletions.c.note.is_not(None) & is_deleted & is_asked)
    return number, None if oldest is None else oldest.linked_account_id


def _count_and_oldest(connection: Connection, wanted: ColumnElement[bool]) -> tuple[int, Deletion | None]:
    number = connection.execute(select(func.count()).select_from(deletions).where(wanted)).scalar_one()
    in_order = (deletions.c.gone_at, deletions.c.linked_account_id)
    row = connection.execute(select(*_RECEIPT).where(wanted).order_by(*in_order).limit(1)).one_or_none()
    return number, None if row is None else Deletion(**row._mapping)


def find_waiting_deletion(connection: Connection, linked_account_id: str) -> datetime | None:
    """Find when the account's waiting deletion is due: nothing else is done for it before. None: no deletion waits."""
    statement = select(func.min(events.c.due_at, type_=events.c.due_at.type)).where(
        is_subject(linked_account_id, ""), events.c.type == DELETION, is_unfinished
    )
    due_at: datetime | None = connection.execute(statement).scalar_one()
    return due_at


class Departure(StrEnum):
    """How far an account is gone: nothing may be connected for it, and nothing may create it anew."""

    #: An event asks for its deletion, which Cobalt did not carry out yet.
    LEAVING = "leaving"
    #: It is deleted, and no sign-up was carried out since.
    LEFT = "left"


def find_departure(connection: Connection, linked_account_id: str) -> Departure | None:
    """Find whether an account is being deleted, or is; None: neither, as far as we know."""
    if find_waiting_deletion(connection, linked_account_id) is not None:
        return Departure.LEAVING
    a = linked_accounts.c
    status = connection.execute(select(a.status).where(a.linked_account_id == linked_account_id)).scalar_one_or_none()
    return Departure.LEFT if status is AccountStatus.DELETED else None
