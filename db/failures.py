"""Failures of an attempt as a whole, when nothing of the account could be read or saved: its work waits longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select, update

from cobalt_mirror.db.leases import Lease
from cobalt_mirror.db.log import is_subject
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.tables import checks, events, is_unfinished, work
from cobalt_mirror.db.unreadable import MOST_ATTEMPTS


def count_failures(connection: Connection, linked_account_id: str, now: datetime, *, slug: str | None = None) -> int:
    """Return how often the due work of an account, or of one subject, has failed by now: the most of any row of it."""
    due = _Due.of(linked_account_id, now, slug)
    queries = (
        select(func.max(events.c.attempts)).where(*due.events),
        select(func.max(checks.c.attempts)).where(*due.checks),
    )
    found = [connection.execute(query).scalar_one() for query in queries]
    return min(max(each if isinstance(each, int) else 0 for each in found), MOST_ATTEMPTS)


def record_failure(
    connection: Connection, linked_account_id: str, *, now: datetime, due_at: datetime, reason: str
) -> None:
    """Put off all that is due of an account, as after any other failure, without reading any of it."""
    due = _Due.of(linked_account_id, now)
    _count(connection, due, now=now, due_at=due_at, reason=reason)
    connection.execute(update(checks).where(*due.checks).values(due_at=due_at))


def record_lost_attempt(
    connection: Connection, linked_account_id: str, slug: str, *, now: datetime, due_at: datetime, reason: str
) -> None:
    """Count an attempt at a subject of which nothing was saved, and put off its events.

    Its check keeps its time, for whoever takes over carries it out now and ends it by that.
    """
    _count(connection, _Due.of(linked_account_id, now, slug), now=now, due_at=due_at, reason=reason)


def give_up_lease(connection: Connection, lease: Lease) -> bool:
    """End a lease of which nothing could be saved. False: another worker has it by now, so nothing is to be done."""
    is_ours = (work.c.linked_account_id == lease.linked_account_id, work.c.lease_token == lease.token)
    return connection.execute(delete(work).where(*is_ours)).rowcount == 1


@dataclass(frozen=True, slots=True)
class _Due:
    """The conditions for the events and for the checks of an account, or of one subject, that are due."""

    events: Sequence[ColumnElement[bool]]
    checks: Sequence[ColumnElement[bool]]

    @classmethod
    def of(cls, linked_account_id: str, now: datetime, slug: str | None = None) -> Self:
        e, c = events.c, checks.c
        is_its = e.linked_account_id == linked_account_id if slug is None else is_subject(linked_account_id, slug)
        is_check = [c.linked_account_id == linked_account_id, *([] if slug is None else [c.slug == slug])]
        return cls([is_its, is_unfinished, e.due_at <= now], [*is_check, c.due_at <= now])


def _count(connection: Connection, due: _Due, *, now: datetime, due_at: datetime, reason: str) -> None:
    """Write it down.

    UPDATE events SET attempts = attempts + 1, due_at = :due_at, retrying_since = coalesce(retrying_since, :now), ...
    WHERE linked_account_id = :account AND finished_at IS NULL AND due_at <= :now
    """
    since = func.coalesce(events.c.retrying_since, literal(now, events.c.retrying_since.type))
    columns = {"attempts": _one_more(events.c.attempts), "retrying_since": since, "due_at": due_at}
    connection.execute(update(events).where(*due.events).values(**columns, move=Move.OPERATOR, last_error=reason))
    tries = _one_more(checks.c.attempts)
    connection.execute(update(checks).where(*due.checks).values(attempts=tries, last_error=reason))


def _one_more(attempts: ColumnElement[int]) -> ColumnElement[int]:
    return case((attempts < MOST_ATTEMPTS, attempts + 1), else_=attempts)
