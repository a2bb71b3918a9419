"""Which accounts have due work, and for which of them a message was sent."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from sqlalchemy import BindParameter, Connection, Integer, and_, bindparam, delete, func, or_, select, union_all, update

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

#: The relay asks this ten times a second of an idle database; built once, it costs a third of a millisecond. The
#: earliest of all is the first entry of an index, whatever PostgreSQL believes of how many there are.
_EARLIEST = union_all(
    select(func.min(events.c.due_at, type_=events.c.due_at.type).label("due_at")).where(is_pending),
    select(func.min(checks.c.due_at)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An account with due work and the type of its oldest due event (None: only a check is due)."""

    linked_account_id: str
    type: str | None
    due_at: datetime = field(compare=False)


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Tell whether any work is due, also on accounts that a worker or a message has in hand."""
    return any(due_at is not None and due_at <= now for due_at in connection.execute(_EARLIEST).scalars())


def find_due_accounts(connection: Connection, now: datetime, *, limit: int) -> list[Due]:
    """Find accounts with due work, oldest first, for which no message is under way and that no worker holds."""
    wanted = {"now": now, "rows": min(max(limit * _ROWS_AN_ACCOUNT, _FEWEST_ROWS), _MOST_ROWS)}
    events_due = [(row.due_at, row.linked_account_id, row.type) for row in connection.execute(_DUE_EVENTS, wanted)]
    checks_due = [(row.due_at, row.linked_account_id, None) for row in connection.execute(_DUE_CHECKS, wanted)]
    accounts: dict[str, Due] = {}
    for due_at, account, type_ in heapq.merge(events_due, checks_due, key=itemgetter(0)):
        if len(accounts) == limit:
            break
        if account not in accounts:
            accounts[account] = Due(linked_account_id=account, type=type_, due_at=due_at)
    return list(accounts.values())


def count_under_way(connection: Connection, now: datetime) -> int:
    """Count the accounts that have a message under way or a worker."""
    under_way = or_(work.c.sent_until > now, work.c.leased_until > now)
    return connection.execute(select(func.count()).select_from(work).where(under_way)).scalar_one()


def mark_sent(connection: Connection, linked_account_ids: Sequence[str], *, now: datetime, until: datetime) -> set[str]:
    """Record that a message goes out for each account.

    Returns:
        The accounts for which it does. For the others, another relay or a worker was quicker.
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
    # Sorted, so that two relays with the same accounts cannot deadlock.
    rows = [{"linked_account_id": account, "sent_until": until} for account in sorted(linked_account_ids)]
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
