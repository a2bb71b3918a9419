"""Who works on which account: what is due, what was sent, who holds the lease."""

import heapq
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert, ReturningDelete

from cobalt_mirror.db.engine import Clock, insert_into, time_by, time_column
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.log import is_subject
from cobalt_mirror.db.tables import checks, events, is_pending, is_unfinished, work

#: How many due rows a look takes for each account that it wants, at least and at most. What one customer's thousand
#: events push out comes with the next look, for that account is busy then.
_ROWS_AN_ACCOUNT, _FEWEST_ROWS, _MOST_ROWS = 12, 60, 500

# The questions that are asked all the time are put together once: for SQLAlchemy that is more than twice the work of
# having SQLite answer one (0.30 and 0.12 ms for the two that found an account's due subject).
_NOW: BindParameter[datetime] = bindparam("now", type_=events.c.due_at.type)
_ACCOUNT: BindParameter[str] = bindparam("account")
_ROWS: BindParameter[int] = bindparam("rows", type_=Integer())
_BUSY = select(work.c.linked_account_id).where(or_(work.c.sent_until > _NOW, work.c.leased_until > _NOW))
_DUE_EVENTS = (
    select(events.c.linked_account_id, events.c.type, events.c.due_at)
    .where(is_pending, events.c.due_at <= _NOW, events.c.linked_account_id.not_in(_BUSY))
    .order_by(events.c.due_at)
    .limit(_ROWS)
)
_DUE_CHECKS = (
    select(checks.c.linked_account_id, checks.c.due_at)
    .where(checks.c.due_at <= _NOW, checks.c.linked_account_id.not_in(_BUSY))
    .order_by(checks.c.due_at)
    .limit(_ROWS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on one account until a deadline of this process's own monotonic clock."""

    linked_account_id: str
    slug: str
    token: str
    ends: float
    #: The subject that a worker left unfinished when it lost this account's lease, if one did.
    abandoned: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An account with due work and the type of its oldest due event (`None`: only a check is due)."""

    linked_account_id: str
    type: str | None
    due_at: datetime = field(compare=False)


#: The relay asks this ten times a second of a database that rests; built once, it costs a third of a millisecond. The
#: earliest of all is the first entry of an index, whatever PostgreSQL believes of how many there are.
_EARLIEST = union_all(
    select(func.min(events.c.due_at, type_=events.c.due_at.type).label("due_at")).where(is_pending),
    select(func.min(checks.c.due_at)),
)


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Whether any work is due at all, also on accounts that somebody has in hand."""
    return any(due_at is not None and due_at <= now for due_at in connection.execute(_EARLIEST).scalars())


def find_due_accounts(connection: Connection, now: datetime, *, limit: int) -> list[Due]:
    """Accounts with due work that nobody works on and no message is under way for, oldest first."""
    wanted = {"now": now, "rows": min(max(limit * _ROWS_AN_ACCOUNT, _FEWEST_ROWS), _MOST_ROWS)}
    events_due = [(row.due_at, row.linked_account_id, row.type) for row in connection.execute(_DUE_EVENTS, wanted)]
    checks_due = [(row.due_at, row.linked_account_id, None) for row in connection.execute(_DUE_CHECKS, wanted)]
    found: dict[str, Due] = {}
    for due_at, account, type_ in heapq.merge(events_due, checks_due, key=itemgetter(0)):
        if len(found) == limit:
            break
        if account not in found:
            found[account] = Due(linked_account_id=account, type=type_, due_at=due_at)
    return list(found.values())


def count_under_way(connection: Connection, now: datetime) -> int:
    """How many accounts have a message under way or a worker."""
    under_way = or_(work.c.sent_until > now, work.c.leased_until > now)
    return connection.execute(select(func.count()).select_from(work).where(under_way)).scalar_one()


def mark_sent(connection: Connection, linked_account_ids: Sequence[str], *, now: datetime, until: datetime) -> set[str]:
    """Note that a message goes out for each account.

    Returns:
        Those for which it does. For the others, another relay or a worker was quicker.
    """
    if not linked_account_ids:
        return set()
    free = and_(
        or_(work.c.sent_until.is_(None), work.c.sent_until <= now),
        or_(work.c.leased_until.is_(None), work.c.leased_until <= now),
    )
    statement = (
        insert_into(connection, work)
        .on_conflict_do_update(index_elements=["linked_account_id"], set_={"sent_until": until}, where=free)
        .returning(work.c.linked_account_id)
    )
    # In one order everywhere: two relays wait for each other, not both for one another.
    rows = [{"linked_account_id": one, "sent_until": until} for one in sorted(linked_account_ids)]
    return set(connection.execute(statement, rows).scalars())


def take_lease(
    connection: Connection,
    linked_account_id: str,
    slug: str,
    *,
    now: datetime,
    began: float,
    ttl: timedelta,
) -> Lease | None:
    """Take an account's lease, also from a worker that let it run out. None: somebody holds it.

    Args:
        connection: a transaction.
        linked_account_id: the account.
        slug: the subject to be worked on.
        now: the time.
        began: the process's monotonic clock, read before `now`: nobody believes in a lease longer than its row says.
        ttl: how long the lease holds.
    """
    token = secrets.token_hex(16)
    key = {"linked_account_id": linked_account_id, "slug": slug}
    row = {**key, "lease_token": token, "leased_until": now + ttl}
    abandoned = None
    if not _hold(connection, row):  # which is rare
        before = connection.execute(select(work).where(work.c.linked_account_id == linked_account_id)).one_or_none()
        if not _hold(connection, row, lapsed_at=now):
            return None
        # On PostgreSQL a lease that was seen held may have been given back meanwhile: nobody abandoned that one.
        if before is not None and before.lease_token is not None and before.leased_until <= now:
            abandoned = before.slug
    ends = began + ttl.total_seconds()
    return Lease(linked_account_id=linked_account_id, slug=slug, token=token, ends=ends, abandoned=abandoned)


def _hold(connection: Connection, row: Mapping[str, Any], *, lapsed_at: datetime | None = None) -> bool:
    """Write a lease into the account's row, if there is none or no lease in it; or also over one that has lapsed."""
    if lapsed_at is None:
        return connection.execute(_taking(connection.dialect.name), row).rowcount == 1
    is_free = or_(work.c.leased_until.is_(None), work.c.leased_until <= lapsed_at)
    return connection.execute(_take(connection.dialect.name, is_free), row).rowcount == 1


@cache
def _taking(dialect: str) -> Insert:
    return _take(dialect, work.c.lease_token.is_(None))


def _take(dialect: str, is_free: ColumnElement[bool]) -> Insert:
    statement = sqlite.insert(work) if dialect == "sqlite" else postgresql.insert(work)
    changes = {name: statement.excluded[name] for name in ("slug", "lease_token", "leased_until")}
    return statement.on_conflict_do_update(index_elements=["linked_account_id"], set_=changes, where=is_free)


@cache
def _giving_back(dialect: str) -> ReturningDelete[Any]:
    ours = delete(work).where(work.c.linked_account_id == _ACCOUNT, work.c.lease_token == bindparam("token"))
    return ours.returning(time_column(dialect))


def give_back(connection: Connection, lease: Lease, clock: Clock) -> datetime:
    """End a lease. Part of the transaction that records what was done under it.

    Returns:
        The time: every attempt asks for it at its end.

    Raises:
        LeaseLost: somebody else holds the account by now; the transaction must be rolled back.
    """
    ours = {"account": lease.linked_account_id, "token": lease.token}
    ended = connection.execute(_giving_back(connection.dialect.name), ours).one_or_none()
    if ended is None:
        raise LeaseLost(f"the lease on account {lease.linked_account_id!r} ran out and went to another worker")
    return time_by(clock, connection, told=ended.now)


def forget_sent(connection: Connection, linked_account_id: str) -> None:
    """A message found nothing to do: the account may be rung again at once."""
    nobody = and_(work.c.linked_account_id == linked_account_id, work.c.lease_token.is_(None))
    connection.execute(delete(work).where(nobody))


def record_check(connection: Connection, linked_account_id: str, slug: str, *, due_at: datetime, reason: str) -> None:
    """Have a subject read at some time. An earlier wish stays, and a later one: it is read at both ends."""
    statement = insert_into(connection, checks).values(
        linked_account_id=linked_account_id, slug=slug, due_at=due_at, reason=reason
    )
    told = literal(due_at, checks.c.due_at.type)  # in a CASE, a bare value would be stored in SQLAlchemy's own form
    last = func.coalesce(checks.c.again_at, checks.c.due_at)
    changes = {
        "due_at": case((checks.c.due_at > told, told), else_=checks.c.due_at),
        "again_at": case((last < told, told), else_=last),
        "reason": reason,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["linked_account_id", "slug"], set_=changes))


def count_checks(connection: Connection) -> int:
    """How many subjects are to be read again although no event asks for it."""
    return connection.execute(select(func.count()).select_from(checks)).scalar_one()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The wish to have a subject read although no event asks for it."""

    due_at: datetime
    reason: str
    attempts: int


def find_check(connection: Connection, linked_account_id: str, slug: str) -> Check | None:
    """The wish to have this subject read, if there is one."""
    row = connection.execute(
        select(checks.c.due_at, checks.c.reason, checks.c.attempts).where(_is_check(linked_account_id, slug))
    ).one_or_none()
    return None if row is None else Check(due_at=row.due_at, reason=row.reason, attempts=row.attempts)


def finish_check(connection: Connection, linked_account_id: str, slug: str, *, read_since: datetime) -> None:
    """The subject was read, beginning at `read_since`: only a wish for a later reading stays."""
    ours = _is_check(linked_account_id, slug)
    done = and_(checks.c.due_at <= read_since, func.coalesce(checks.c.again_at, read_since) <= read_since)
    connection.execute(delete(checks).where(ours, done))
    later = and_(checks.c.due_at <= read_since, checks.c.again_at > read_since)
    connection.execute(
        update(checks).where(ours, later).values(due_at=checks.c.again_at, again_at=None, attempts=0, last_error=None)
    )


def postpone_check(
    connection: Connection, linked_account_id: str, slug: str, *, due_at: datetime, error: str | None
) -> None:
    """The subject could not be read: try again later."""
    connection.execute(
        update(checks)
        .where(_is_check(linked_account_id, slug))
        .values(due_at=due_at, attempts=checks.c.attempts + 1, last_error=error)
    )


def hold_check(connection: Connection, linked_account_id: str, slug: str) -> None:
    """Let a subject's check wait for its events that failed: they are tried together, and after growing delays only."""
    retrying = select(func.min(events.c.due_at, type_=events.c.due_at.type)).where(
        is_subject(linked_account_id, slug), is_unfinished, events.c.retrying_since.is_not(None)
    )
    due_at = connection.execute(retrying).scalar_one()
    if due_at is not None:
        early = and_(_is_check(linked_account_id, slug), checks.c.due_at < due_at)
        connection.execute(update(checks).where(early).values(due_at=due_at))


def _is_check(linked_account_id: str, slug: str) -> ColumnElement[bool]:
    return and_(checks.c.linked_account_id == linked_account_id, checks.c.slug == slug)


def hurry_failed(connection: Connection, now: datetime) -> None:
    """Cobalt is well again: what failed on its side is due at once, in the order in which it was recorded."""
    failed = and_(is_pending, events.c.retrying_since.is_not(None), events.c.move == "provider")
    connection.execute(update(events).where(failed).values(due_at=events.c.recorded_at))
    connection.execute(update(checks).where(checks.c.attempts > 0, checks.c.due_at > now).values(due_at=now))
