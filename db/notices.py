"""The notices of each receiver: added as it follows the feed, taken when they are due, and ended.

What is sent is read from the feed and the mirror at that moment, and stored nowhere else (see `db.tables.notices`).
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, func, literal, or_, select, update

from cobalt_mirror.db.feed_entries import Link, links_of
from cobalt_mirror.db.reads.feed import FeedEntry
from cobalt_mirror.db.receivers import IS_FREE, is_pending
from cobalt_mirror.db.statuses import ChangeType, ConnectionStatus, NoticeStatus
from cobalt_mirror.db.tables import changes, connections, deletions, linked_accounts, notices

_n, _c = notices.c, changes.c


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A notice that is due.

    Attributes:
        id: what the receiver knows it by.
        recorded_at: when the mirror learned of what it says.
        told: whether the receiver has it from an earlier attempt, as far as is known.
        attempts: how often it was sent.
    """

    receiver: str
    position: int
    id: str
    type: ChangeType
    recorded_at: datetime
    linked_account_id: str | None
    slug: str | None
    connection_id: str | None
    auth_type: str | None
    attempts: int
    told: bool

    @property
    def link(self) -> Link:
        """Which of the connected accounts it is about."""
        return Link(self.connection_id, self.auth_type)


_COLUMNS = [_n[name] for name in NoticeRow.__dataclass_fields__]


def add_notices(connection: Connection, receiver: str, entries: Iterable[tuple[FeedEntry, datetime]]) -> None:
    """Add a notice of each of these entries, due at a time."""
    rows = [
        {
            "receiver": receiver,
            "position": entry.position,
            "id": f"msg_{secrets.token_urlsafe(18)}",
            "type": entry.type,
            "recorded_at": entry.recorded_at,
            "linked_account_id": entry.linked_account_id,
            "slug": entry.slug,
            "connection_id": entry.connection_id,
            "auth_type": entry.data.get("auth_type"),
            "status": NoticeStatus.PENDING,
            "due_at": due_at,
        }
        for entry, due_at in entries
    ]
    if rows:
        connection.execute(notices.insert(), rows)


def take_due(connection: Connection, receiver: str, *, now: datetime, until: datetime) -> NoticeRow | None:
    """Take the oldest due notice, so that no other process takes it until a time; None: none is due."""
    due = select(*_COLUMNS).where(_n.receiver == receiver, IS_FREE).order_by(_n.due_at, _n.position).limit(1)
    row = connection.execute(due.with_for_update(skip_locked=True), {"now": now}).mappings().one_or_none()
    if row is None:
        return None
    notice = NoticeRow(**row)
    connection.execute(update(notices).where(*_key(notice)).values(taken_until=until))
    return notice


# --- what is decided by -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier notice to the same receiver that a connection of the application had failed.

    Attributes:
        told: whether the receiver has it, as far as is known.
        taken_until: until when it is being sent; None: it is not.
    """

    link: Link
    told: bool
    taken_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What decides whether a notice about a connection is sent.

    Attributes:
        mirror: what the mirror shows of the application now.
        failed_again: what failed after that, by the feed.
        earlier: the receiver's earlier notices of failures, the latest first.
    """

    mirror: Mapping[Link, ConnectionStatus] = field(default_factory=dict)
    failed_again: Collection[Link] = ()
    earlier: Collection[Earlier] = ()


def read_around(connection: Connection, notice: NoticeRow) -> Around:
    """Read what decides whether a notice about a connection is sent."""
    m = connections.c
    is_its = (m.linked_account_id == notice.linked_account_id, m.slug == notice.slug)
    row = connection.execute(select(connections).where(*is_its)).mappings().one_or_none()
    return Around(
        mirror={} if row is None else links_of(dict(row)),
        failed_again=_find_failed_again(connection, notice),
        earlier=_find_earlier(connection, notice),
    )


def _find_failed_again(connection: Connection, notice: NoticeRow) -> list[Link]:
    is_later = or_(_c.position.is_(None), _c.position > notice.position)
    rows = connection.execute(
        select(_c.connection_id, _c.data).where(
            _c.linked_account_id == notice.linked_account_id,
            _c.slug == notice.slug,
            _c.type == ChangeType.CONNECTION_REAUTH_REQUIRED,
            is_later,
        )
    )
    return [Link(row.connection_id, row.data.get("auth_type")) for row in rows]


def _find_earlier(connection: Connection, notice: NoticeRow) -> list[Earlier]:
    rows = connection.execute(
        select(_n.connection_id, _n.auth_type, _n.told, _n.taken_until)
        .where(
            _n.linked_account_id == notice.linked_account_id,
            _n.slug == notice.slug,
            _n.receiver == notice.receiver,
            _n.type == ChangeType.CONNECTION_REAUTH_REQUIRED,
            _n.position < notice.position,
        )
        .order_by(_n.position.desc())
    )
    return [
        Earlier(link=Link(row.connection_id, row.auth_type), told=row.told, taken_until=row.taken_until) for row in rows
    ]


# --- what is sent -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a notice says, beside what is in its row.

    Attributes:
        config_id: the config.
        data: what changed, by the feed; empty: the entry was pruned.
        name: the name of the account now.
        udf: its user-defined fields now.
    """

    config_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    udf: Mapping[str, Any] | None = None


def read_content(connection: Connection, notice: NoticeRow) -> Content:
    """Read what a notice says, from the feed and the mirror.

    Of an account that was deleted since there is no name: perhaps another customer has its id now.
    """
    entry = connection.execute(select(_c.config_id, _c.data).where(_c.position == notice.position)).one_or_none()
    a, d = linked_accounts.c, deletions.c
    is_another = exists().where(d.linked_account_id == a.linked_account_id, d.gone_at >= notice.recorded_at)
    account = connection.execute(
        select(a.name, a.udf).where(a.linked_account_id == notice.linked_account_id, ~is_another)
    ).one_or_none()
    return Content(
        config_id=None if entry is None else entry.config_id,
        data={} if entry is None else entry.data,
        name=None if account is None else account.name,
        udf=None if account is None else account.udf,
    )


# --- how it goes on ---------------------------------------------------------------------------------------------------


def begin_attempt(connection: Connection, notice: NoticeRow, *, at: datetime) -> bool:
    """Record that an attempt begins, after which the receiver may have the notice; return whether it still is ours."""
    begun = {
        "attempts": notice.attempts + 1,
        "begun_at": func.coalesce(_n.begun_at, literal(at, _n.begun_at.type)),
        "told": True,
    }
    return _change(connection, notice, seen=notice.attempts, **begun)


def put_off(connection: Connection, notice: NoticeRow, until: datetime) -> None:
    """Have a notice due again at a time."""
    _change(connection, notice, seen=notice.attempts, due_at=until, taken_until=None)


def skip(connection: Connection, notice: NoticeRow, because: str, *, at: datetime) -> None:
    """End a notice that is not sent."""
    ended = {"status": NoticeStatus.SKIPPED, "detail": because, "ended_at": at, "taken_until": None}
    _change(connection, notice, seen=notice.attempts, **ended)


def end_attempt(
    connection: Connection,
    notice: NoticeRow,
    status: NoticeStatus,
    *,
    at: datetime,
    due_at: datetime | None = None,
    told: bool = True,
    detail: str | None = None,
) -> bool:
    """Record how an attempt ended; return whether no other attempt has begun since.

    Args:
        connection: a transaction.
        notice: the notice, as it was before the attempt.
        status: how far it is now.
        at: the time.
        due_at: when it is sent again; None: it is not.
        told: whether the receiver has it, as far as is known.
        detail: why it failed.
    """
    values: dict[str, Any] = {"status": status, "told": told, "detail": detail, "taken_until": None}
    values |= {"ended_at": at} if due_at is None else {"due_at": due_at}
    return _change(connection, notice, seen=notice.attempts + 1, **values)


def _change(connection: Connection, notice: NoticeRow, *, seen: int, **values: Any) -> bool:
    """Change a pending notice, unless another process has begun an attempt meanwhile."""
    statement = update(notices).where(*_key(notice), _n.attempts == seen, is_pending).values(**values)
    return connection.execute(statement).rowcount == 1


def _key(notice: NoticeRow) -> tuple[Any, ...]:
    return (_n.receiver == notice.receiver, _n.position == notice.position)
