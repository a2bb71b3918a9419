"""The lease of an account: who may work on it, and until when."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert, ReturningDelete

from cobalt_mirror.db.calls import MadeCalls, insert_beside, parameters_of, record_calls
from cobalt_mirror.db.engine import Clock, time_by, time_column
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.tables import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on an account until a moment of this process's own monotonic clock."""

    linked_account_id: str
    slug: str
    token: str
    ends: float
    #: The subject that a worker left unfinished when it lost this account's lease, if one did.
    abandoned: str | None = None


def take_lease(
    connection: Connection,
    linked_account_id: str,
    slug: str,
    *,
    now: datetime,
    began: float,
    ttl: timedelta,
) -> Lease | None:
    """Take an account's lease, also from a worker that let it run out. None: another worker holds it.

    Args:
        connection: a transaction.
        linked_account_id: the account.
        slug: the subject to be worked on.
        now: the time.
        began: the process's monotonic clock, read before `now`, so that the lease seems no longer than its row says.
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
        # On PostgreSQL a lease that was seen held may have been given back meanwhile: that one was not abandoned.
        if before is not None and before.lease_token is not None and before.leased_until <= now:
            abandoned = before.slug
    ends = began + ttl.total_seconds()
    return Lease(linked_account_id=linked_account_id, slug=slug, token=token, ends=ends, abandoned=abandoned)


def _hold(connection: Connection, row: Mapping[str, Any], *, lapsed_at: datetime | None = None) -> bool:
    """Write a lease into the account's row, if there is none or no lease in it, or over a lease that has lapsed."""
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
    statement = delete(work).where(
        work.c.linked_account_id == bindparam("account"), work.c.lease_token == bindparam("token")
    )
    return statement.returning(time_column(dialect))


@cache
def _giving_back_with_calls() -> Select[Any]:
    """WITH given_back AS (DELETE FROM work ... RETURNING clock_timestamp() AS now),
    recorded AS (INSERT INTO calls ... FROM given_back, ...) SELECT now FROM given_back
    """
    given_back = _giving_back("postgresql").cte("given_back")
    return select(given_back.c.now).add_cte(insert_beside(given_back).cte("recorded"))


def give_back(connection: Connection, lease: Lease, clock: Clock, calls: MadeCalls | None = None) -> datetime:
    """End a lease, in the transaction that records what was done under it.

    Args:
        connection: the transaction.
        lease: the lease.
        clock: the clock.
        calls: the calls to Cobalt to record with it, on PostgreSQL in the same statement; None: none.

    Returns:
        The time: every attempt asks for it at its end.

    Raises:
        LeaseLost: another worker holds the account by now; the transaction must be rolled back.
    """
    key = {"account": lease.linked_account_id, "token": lease.token}
    is_one = calls is not None and connection.dialect.name == "postgresql"
    if calls is not None and is_one:
        row = connection.execute(_giving_back_with_calls(), key | parameters_of(calls)).one_or_none()
    else:
        row = connection.execute(_giving_back(connection.dialect.name), key).one_or_none()
    if row is None:
        raise LeaseLost(f"the lease on account {lease.linked_account_id!r} ran out and went to another worker")
    if calls is not None and not is_one:
        record_calls(connection, calls)
    return time_by(clock, connection, now=row.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """The accounts that workers hold.

    Attributes:
        number: how many they are.
        account: the one that has been held for the longest; None: none is held.
        ends: when its lease ends.
    """

    number: int
    account: str | None = None
    ends: datetime | None = None


def find_in_hand(connection: Connection, now: datetime) -> InHand:
    """Find the accounts that workers hold at a moment."""
    held = (
        select(work.c.linked_account_id, work.c.leased_until)
        .where(work.c.lease_token.is_not(None), work.c.leased_until > now)
        .order_by(work.c.leased_until)
    )
    rows = connection.execute(held).all()
    return InHand(number=len(rows), account=rows[0][0], ends=rows[0][1]) if rows else InHand(number=0)
