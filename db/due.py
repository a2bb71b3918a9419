"""Which accounts have due work, and for which of them a message was sent."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.tables import checks, events, is_pending, work

#: How many due rows a look takes for each account that it wants, at least and at most. What one customer's thousand
#: events push out comes with the next look, for that account is busy then.
_ROWS_AN_ACCOUNT, _FEWEST_ROWS, _MOST_ROWS = 12, 60, 500

# The questions that are asked all the time are put together once: for SQLAlchemy that is more than twice the work of
# having SQLite answer one (0.30 and 0.12 ms for the two that found an account's due subject).
_NOW: BindParameter[datetime] = bindparam("now", type_=events.c.due_at.type)
_ROWS: BindParameter[int] = bindparam("rows", type_=Integer())
_SINCE: BindParameter[datetime] = bindparam("since", type_=events.c.due_at.type)


#: As PostgreSQL answers it by the two indexes of `work`, without reading what ended; not as a UNION, for which it took
#: the primary key. The table as a whole took 24 ms after 200,000 attempts beside a transaction that stays open.
_IS_UNDER_WAY = or_(work.c.sent_until > _NOW, work.c.leased_until > _NOW)
_BUSY = select(work.c.linked_account_id).where(_IS_UNDER_WAY)


def _due_events(is_retry: ColumnElement[bool], *, is_bounded: bool) -> Select[Any]:
    return (
        select(events.c.linked_account_id, events.c.type, events.c.due_at)
        .where(is_pending, is_retry, events.c.due_at <= _NOW, *_bound(events.c.due_at, is_bounded=is_bounded))
        .where(events.c.linked_account_id.not_in(_BUSY))
        .order_by(events.c.due_at)
        .limit(_ROWS)
    )


def _due_checks(is_retry: ColumnElement[bool], *, is_bounded: bool) -> Select[Any]:
    return (
        select(checks.c.linked_account_id, literal(None).label("type"), checks.c.due_at)
        .where(is_retry, checks.c.due_at <= _NOW, *_bound(checks.c.due_at, is_bounded=is_bounded))
        .where(checks.c.linked_account_id.not_in(_BUSY))
        .order_by(checks.c.due_at)
        .limit(_ROWS)
    )


def _earliest(*, is_bounded: bool) -> CompoundSelect[Any]:
    first = func.min(events.c.due_at, type_=events.c.due_at.type).label("due_at")
    return union_all(
        select(first).where(is_pending, *_bound(events.c.due_at, is_bounded=is_bounded)),
        select(func.min(checks.c.due_at)).where(*_bound(checks.c.due_at, is_bounded=is_bounded)),
    )


def _bound(due_at: ColumnElement[datetime], *, is_bounded: bool) -> list[ColumnElement[bool]]:
    """Return the condition that an index is read from `since` on. What ended is before it; see `workers.horizon`."""
    return [due_at >= _SINCE] if is_bounded else []


_IS_RETRY = {
    False: (events.c.retrying_since.is_(None), checks.c.attempts == 0),
    True: (events.c.retrying_since.is_not(None), checks.c.attempts > 0),
}
#: By whether they have failed before, and whether there is a bound. What has not failed is found without reading what
#: has, and the other way round.
_DUE = {
    (is_retry, is_bounded): (_due_events(of_event, is_bounded=is_bounded), _due_checks(of_check, is_bounded=is_bounded))
    for is_retry, (of_event, of_check) in _IS_RETRY.items()
    for is_bounded in (False, True)
}

#: Each look of a relay begins with this; built once, it costs a third of a millisecond. The
#: earliest of all is the first entry of an index, whatever PostgreSQL believes of how many there are.
_EARLIEST = {is_bounded: _earliest(is_bounded=is_bounded) for is_bounded in (False, True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An account with due work.

    Attributes:
        type: the type of its oldest due event; None: only a check is due.
        is_retry: whether that failed before.
    """

    linked_account_id: str
    type: str | None
    due_at: datetime = field(compare=False)
    is_retry: bool = False


def find_earliest_due(connection: Connection, now: datetime, *, since: datetime | None = None) -> datetime | None:
    """Find when the earliest of all due work was due, also on accounts that a worker or a message has in hand.

    Args:
        connection: a transaction.
        now: the time.
        since: what was due before this is not looked for. None: everything is.
    """
    bound = {} if since is None else {"since": since}
    earliest = connection.execute(_EARLIEST[bool(bound)], bound).scalars()
    return min((due_at for due_at in earliest if due_at is not None and due_at <= now), default=None)


def find_due_accounts(
    connection: Connection, now: datetime, *, limit: int, retries: int | None = None, since: datetime | None = None
) -> list[Due]:
    """Find accounts with due work, oldest first, for which no message is under way and that no worker holds.

    Args:
        connection: a transaction.
        now: the time.
        limit: the most accounts.
        retries: the most of them whose work failed before; None: as many as there are.
        since: what was due before this is not looked for. None: everything is.
    """
    fresh = _find_due(connection, now, since, limit=limit, is_retry=False)
    most = limit if retries is None else min(retries, limit)
    failed = _find_due(connection, now, since, limit=most, is_retry=True)[:most] if most > 0 else []
    accounts: dict[str, Due] = {}
    for due in heapq.merge(fresh, failed, key=attrgetter("due_at")):
        if len(accounts) < limit:
            accounts.setdefault(due.linked_account_id, due)
    return list(accounts.values())


def _find_due(
    connection: Connection, now: datetime, since: datetime | None, *, limit: int, is_retry: bool
) -> list[Due]:
    """Find accounts with due events or checks, oldest first: the first of each account."""
    bound = {} if since is None else {"since": since}
    wanted = {"now": now, **bound, "rows": min(max(limit * _ROWS_AN_ACCOUNT, _FEWEST_ROWS), _MOST_ROWS)}
    rows = heapq.merge(
        *(connection.execute(query, wanted) for query in _DUE[is_retry, bool(bound)]), key=attrgetter("due_at")
    )
    accounts: dict[str, Due] = {}
    for row in rows:
        account = row.linked_account_id
        if account not in accounts and isinstance(account, str):  # SQLite's column takes anything; see `bury_nameless`
            accounts[account] = Due(linked_account_id=account, type=row.type, due_at=row.due_at, is_retry=is_retry)
    return list(accounts.values())


class UnderWay(NamedTuple):
    """How many accounts have a message under way or a worker, and for how many of these it is a retry."""

    accounts: int
    retries: int


_COUNT = select(func.count(), func.count().filter(work.c.is_retry)).select_from(work).where(_IS_UNDER_WAY)


def count_under_way(connection: Connection, now: datetime) -> UnderWay:
    """Count the accounts that have a message under way or a worker."""
    return UnderWay(*connection.execute(_COUNT, {"now": now}).one())


def mark_sent(connection: Connection, accounts: Mapping[str, bool], *, now: datetime, until: datetime) -> set[str]:
    """Record that a message goes out for each account.

    Args:
        connection: a transaction.
        accounts: the accounts, each with whether it is a retry.
        now: the time.
        until: when another message may go out if this one leads to nothing.

    Returns:
        The accounts for which it does. For the others, another relay or a worker was quicker.
    """
    if not accounts:
        return set()
    free = and_(
        or_(work.c.sent_until.is_(None), work.c.sent_until <= now),
        or_(work.c.leased_until.is_(None), work.c.leased_until <= now),
    )
    insert = insert_into(connection, work)
    changes = {"sent_until": until, "is_retry": insert.excluded.is_retry}
    statement = insert.on_conflict_do_update(index_elements=["linked_account_id"], set_=changes, where=free).returning(
        work.c.linked_account_id
    )
    # Sorted, so that two relays with the same accounts cannot deadlock.
    rows = [
        {"linked_account_id": account, "sent_until": until, "is_retry": is_retry}
        for account, is_retry in sorted(accounts.items())
    ]
    return set(connection.execute(statement, rows).scalars())


def forget_sent(connection: Connection, linked_account_id: str) -> None:
    """Let another message go out for an account at once, because the last one found nothing to do."""
    is_free = and_(work.c.linked_account_id == linked_account_id, work.c.lease_token.is_(None))
    connection.execute(delete(work).where(is_free))


def hurry_failed(connection: Connection, now: datetime) -> None:
    """Make due at once what failed because of Cobalt, in the order in which it was recorded: Cobalt is well again."""
    failed = and_(is_pending, events.c.retrying_since.is_not(None), events.c.move == Move.PROVIDER)
    connection.execute(update(events).where(failed).values(due_at=events.c.recorded_at))
    connection.execute(update(checks).where(checks.c.attempts > 0, checks.c.due_at > now).values(due_at=now))
