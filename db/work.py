"""Who works on which account: what is due, what was sent, who holds the lease."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from db.engine import insert_into
from db.errors import LeaseLost
from db.log import is_subject
from db.tables import checks, events, work

#: How many due rows the relay looks at to find accounts; one customer's thousand events fill it at most once.
_ROWS_A_LOOK = 500

# The questions that are asked all the time are put together once: for SQLAlchemy that is more than twice the work of
# having SQLite answer one (0.30 and 0.12 ms for the two below that find an account's due subject).
_NOW: BindParameter[datetime] = bindparam("now", type_=events.c.due_at.type)
_ACCOUNT: BindParameter[str] = bindparam("account")
_BUSY = select(work.c.linked_account_id).where(or_(work.c.sent_until > _NOW, work.c.leased_until > _NOW))
_DUE_EVENTS = (
    select(events.c.linked_account_id, events.c.type, events.c.due_at)
    .where(events.c.status == "pending", events.c.due_at <= _NOW, events.c.linked_account_id.not_in(_BUSY))
    .order_by(events.c.due_at)
    .limit(_ROWS_A_LOOK)
)
_DUE_CHECKS = (
    select(checks.c.linked_account_id, checks.c.due_at)
    .where(checks.c.due_at <= _NOW, checks.c.linked_account_id.not_in(_BUSY))
    .order_by(checks.c.due_at)
    .limit(_ROWS_A_LOOK)
)
_DUE_EVENTS_BY_SLUG = (
    select(events.c.slug, func.min(events.c.due_at).label("due_at"))
    .where(events.c.linked_account_id == _ACCOUNT, events.c.status == "pending", events.c.due_at <= _NOW)
    .group_by(events.c.slug)
)
_DUE_CHECKS_BY_SLUG = select(checks.c.slug, checks.c.due_at).where(
    checks.c.linked_account_id == _ACCOUNT, checks.c.due_at <= _NOW
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


def find_due_accounts(connection: Connection, now: datetime, *, limit: int) -> list[Due]:
    """Accounts with due work that nobody works on and no message is under way for, oldest first."""
    found: dict[str, Due] = {}
    rows = [
        Due(linked_account_id=row.linked_account_id, type=row.type, due_at=row.due_at)
        for row in connection.execute(_DUE_EVENTS, {"now": now})
    ]
    rows += [
        Due(linked_account_id=row.linked_account_id, type=None, due_at=row.due_at)
        for row in connection.execute(_DUE_CHECKS, {"now": now})
    ]
    for due in sorted(rows, key=lambda due: due.due_at):
        found.setdefault(due.linked_account_id, due)
    return list(found.values())[:limit]


def count_under_way(connection: Connection, now: datetime) -> int:
    """How many accounts have a message under way or a worker."""
    under_way = or_(work.c.sent_until > now, work.c.leased_until > now)
    return connection.execute(select(func.count()).select_from(work).where(under_way)).scalar_one()


def mark_sent(connection: Connection, linked_account_id: str, *, now: datetime, until: datetime) -> bool:
    """Note that a message goes out for an account. False: another relay or a worker was quicker."""
    statement = insert_into(connection, work).values(linked_account_id=linked_account_id, sent_until=until)
    free = and_(
        or_(work.c.sent_until.is_(None), work.c.sent_until <= now),
        or_(work.c.leased_until.is_(None), work.c.leased_until <= now),
    )
    marked = connection.execute(
        statement.on_conflict_do_update(index_elements=["linked_account_id"], set_={"sent_until": until}, where=free)
    )
    return marked.rowcount == 1


def find_due_subject(connection: Connection, linked_account_id: str, now: datetime) -> str | None:
    """The account's subject to work on next: the account itself first (the empty slug), else the longest due."""
    wanted = {"account": linked_account_id, "now": now}
    due: list[tuple[bool, datetime, str]] = [
        (bool(row.slug), row.due_at, row.slug or "") for row in connection.execute(_DUE_EVENTS_BY_SLUG, wanted)
    ]
    due += [(bool(row.slug), row.due_at, row.slug) for row in connection.execute(_DUE_CHECKS_BY_SLUG, wanted)]
    return min(due)[2] if due else None


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
    before = connection.execute(select(work).where(work.c.linked_account_id == linked_account_id)).one_or_none()
    token = secrets.token_hex(16)
    taken = connection.execute(
        insert_into(connection, work)
        .values(linked_account_id=linked_account_id, slug=slug, lease_token=token, leased_until=now + ttl)
        .on_conflict_do_update(
            index_elements=["linked_account_id"],
            set_={"slug": slug, "lease_token": token, "leased_until": now + ttl},
            where=or_(work.c.leased_until.is_(None), work.c.leased_until <= now),
        )
    )
    if taken.rowcount != 1:
        return None
    # On PostgreSQL a lease that was seen held may have been given back in the meantime: nobody abandoned that one.
    is_left = before is not None and before.lease_token is not None and before.leased_until <= now
    return Lease(
        linked_account_id=linked_account_id,
        slug=slug,
        token=token,
        ends=began + ttl.total_seconds(),
        abandoned=before.slug if before is not None and is_left else None,
    )


def give_back(connection: Connection, lease: Lease) -> None:
    """End a lease. Part of the transaction that records what was done under it.

    Raises:
        LeaseLost: somebody else holds the account by now; the transaction must be rolled back.
    """
    ours = and_(work.c.linked_account_id == lease.linked_account_id, work.c.lease_token == lease.token)
    if connection.execute(delete(work).where(ours)).rowcount != 1:
        raise LeaseLost(f"the lease on account {lease.linked_account_id!r} ran out and went to another worker")


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
        is_subject(linked_account_id, slug), events.c.status == "pending", events.c.retrying_since.is_not(None)
    )
    due_at = connection.execute(retrying).scalar_one()
    if due_at is not None:
        early = and_(_is_check(linked_account_id, slug), checks.c.due_at < due_at)
        connection.execute(update(checks).where(early).values(due_at=due_at))


def _is_check(linked_account_id: str, slug: str) -> ColumnElement[bool]:
    return and_(checks.c.linked_account_id == linked_account_id, checks.c.slug == slug)
