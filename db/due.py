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
_BUSY = select(work.c.linked_account_id).where(or_(work.c.sent_until > _NOW, work.c.leased_until > _NOW))


def _due_events(is_retry: ColumnElement[bool]) -> Select[Any]:
    return (
        select(events.c.linked_account_id, events.c.type, events.c.due_at)
        .where(is_pending, is_retry, events.c.due_at <= _NOW, events.c.linked_account_id.not_in(_BUSY))
        .order_by(events.c.due_at)
        .limit(_ROWS)
    )


def _due_checks(is_retry: ColumnElement[bool]) -> Select[Any]:
    return (
        select(checks.c.linked_account_id, literal(None).label("type"), checks.c.due_at)
        .where(is_retry, checks.c.due_at <= _NOW, checks.c.linked_account_id.not_in(_BUSY))
        .order_by(checks.c.due_at)
        .limit(_ROWS)
    )


#: By whether they have failed before. What has not is found without reading what has, and the other way round.
_DUE = {
    False: (_due_events(events.c.retrying_since.is_(None)), _due_checks(checks.c.attempts == 0)),
    True: (_due_events(events.c.retrying_since.is_not(None)), _due_checks(checks.c.attempts > 0)),
}

#: The relay asks this ten times a second of an idle database; built once, it costs a third of a millisecond. The
#: earliest of all is the first entry of an index, whatever PostgreSQL believes of how many there are.
_EARLIEST = union_all(
    select(func.min(events.c.due_at, type_=events.c.due_at.type).label("due_at")).where(is_pending),
    select(func.min(checks.c.due_at)),
)


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


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Tell whether any work is due, also on accounts that a worker or a message has in hand."""
    return any(due_at is not None and due_at <= now for due_at in connection.execute(_EARLIEST).scalars())


def find_due_accounts(connection: Connection, now: datetime, *, limit: int, retries: int | None = None) -> list[Due]:
    """Find accounts with due work, oldest first, for which no message is under way and that no worker holds.

    Args:
        connection: a transaction.
        now: the time.
        limit: the most accounts.
        retries: the most of them whose work failed before; None: as many as there are.
    """
    fresh = _find_due(connection, now, limit=limit, is_retry=False)
    most = limit if retries is None else min(retries, limit)
    failed = _find_due(connection, now, limit=most, is_retry=True)[:most] if most > 0 else []
    accounts: dict[str, Due] = {}
    for due in heapq.merge(fresh, failed, key=attrgetter("due_at")):
        if len(accounts) < limit:
            accounts.setdefault(due.linked_account_id, due)
    return list(accounts.values())


def _find_due(connection: Connection, now: datetime, *, limit: int, is_retry: bool) -> list[Due]:
    """Find accounts with due events or checks, oldest first: the first of each account."""
    wanted = {"now": now, "rows": min(max(limit * _ROWS_AN_ACCOUNT, _FEWEST_ROWS), _MOST_ROWS)}
    rows = heapq.merge(*(connection.execute(query, wanted) for query in _DUE[is_retry]), key=attrgetter("due_at"))
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


def count_under_way(connection: Connection, now: datetime) -> UnderWay:
    """Count the accounts that have a message under way or a worker."""
    under_way = or_(work.c.sent_until > now, work.c.leased_until > now)
    counted = select(func.count(), func.count().filter(work.c.is_retry)).select_from(work).where(under_way)
    return UnderWay(*connection.execute(counted).one())


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
