"""Checks: subjects to read again although no event asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, literal, select, update

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.log import is_subject
from cobalt_mirror.db.rows import ConfigKey
from cobalt_mirror.db.statuses import Expected
from cobalt_mirror.db.tables import checks, events, is_unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A subject to be read although no event asks for it.

    Attributes:
        due_at: when.
        reason: why, for people.
        attempts: how many reads failed.
        expects: what the read should show; None: nothing in particular.
        looks: how many reads did not show it.
        last_error: what the last read met: its failure, or the configs that it did not show; None: nothing to speak of.
        absent: configs that did not show when the last read looked, each since when.
    """

    due_at: datetime
    reason: str
    attempts: int
    expects: Expected | None = None
    looks: int = 0
    last_error: str | None = None
    absent: Mapping[ConfigKey, datetime] = field(default_factory=dict)

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> Self:
        """Read a row of the table."""
        absent = {ConfigKey(*key): datetime.fromisoformat(since) for *key, since in columns["absent"] or ()}
        return cls(**{**{each.name: columns[each.name] for each in fields(cls)}, "absent": absent})


_CHECK = [checks.c[each.name] for each in fields(Check)]


def find_check(connection: Connection, linked_account_id: str, slug: str) -> Check | None:
    """Find the check of a subject, if it has one."""
    row = connection.execute(select(*_CHECK).where(_is_check(linked_account_id, slug))).one_or_none()
    return None if row is None else Check.from_columns(row._mapping)


def count_checks(connection: Connection) -> int:
    """Count the subjects to be read again although no event asks for it."""
    return connection.execute(select(func.count()).select_from(checks)).scalar_one()


def record_check(
    connection: Connection,
    linked_account_id: str,
    slug: str,
    *,
    due_at: datetime,
    reason: str,
    expects: Expected | None = None,
    at_once: bool = False,
) -> None:
    """Have a subject read at a time. If it has a check already, it is read at the earliest and the latest time.

    Args:
        connection: the transaction.
        linked_account_id: the account.
        slug: the application; empty: the account itself.
        due_at: when.
        reason: why, for people.
        expects: what should show; None: what an earlier check says, if there is one.
        at_once: whether `due_at` is now: a read that is under way is older than that, and does not count.
    """
    statement = insert_into(connection, checks).values(
        linked_account_id=linked_account_id, slug=slug, due_at=due_at, reason=reason, expects=expects
    )
    moment = literal(due_at, checks.c.due_at.type)  # in a CASE, a bare value would be stored in SQLAlchemy's own form
    last = func.coalesce(checks.c.again_at, checks.c.due_at)
    changes: dict[str, Any] = {
        "due_at": moment if at_once else case((checks.c.due_at > moment, moment), else_=checks.c.due_at),
        "again_at": case((last < moment, moment), else_=last),
        "reason": reason,
    }
    if expects is not None:
        changes |= {"expects": expects, "looks": 0}
    connection.execute(statement.on_conflict_do_update(index_elements=["linked_account_id", "slug"], set_=changes))


def finish_check(connection: Connection, linked_account_id: str, slug: str, *, read_since: datetime) -> None:
    """Record that a subject was read, beginning at `read_since`. Only what is to be read later stays."""
    is_check = _is_check(linked_account_id, slug)
    # In words that keep PostgreSQL from taking the index of `due_at`: once it has counted when there was no check, it
    # holds that index for as good as the key, and read 50,000 entries of checks that were gone.
    was_due = func.coalesce(checks.c.due_at, read_since) <= read_since
    done = and_(was_due, func.coalesce(checks.c.again_at, read_since) <= read_since)
    connection.execute(delete(checks).where(is_check, done))
    later = and_(was_due, checks.c.again_at > read_since)
    connection.execute(
        update(checks)
        .where(is_check, later)
        .values(
            due_at=checks.c.again_at, again_at=None, attempts=0, last_error=None, expects=None, looks=0, absent=None
        )
    )


def postpone_check(
    connection: Connection, linked_account_id: str, slug: str, *, due_at: datetime, error: str | None
) -> None:
    """Have a subject read again later, because it could not be read now. What did not show counts from then anew."""
    connection.execute(
        update(checks)
        .where(_is_check(linked_account_id, slug))
        .values(due_at=due_at, attempts=checks.c.attempts + 1, last_error=error, absent=None)
    )


def look_again(
    connection: Connection,
    linked_account_id: str,
    slug: str,
    *,
    due_at: datetime,
    absent: Mapping[ConfigKey, datetime],
) -> None:
    """Have a subject read again, because the read did not show what it should. That is no failure of an attempt.

    Args:
        connection: the transaction.
        linked_account_id: the account.
        slug: the application; empty: the account itself.
        due_at: when.
        absent: configs that did not show, each since when; none: something else did not.
    """
    ids = ", ".join("/".join(filter(None, key)) for key in absent)
    changes = {
        "last_error": f"Cobalt does not show these configs: {ids}" if absent else None,
        "absent": [[*key, stored_time(since)] for key, since in absent.items()] or None,
    }
    connection.execute(
        update(checks)
        .where(_is_check(linked_account_id, slug))
        .values(due_at=due_at, looks=checks.c.looks + 1, **changes)
    )


def put_off_check(connection: Connection, linked_account_id: str, slug: str, *, due_at: datetime, reason: str) -> None:
    """Have a subject read later for a reason that is no failure."""
    statement = update(checks).where(_is_check(linked_account_id, slug))
    connection.execute(statement.values(due_at=due_at, last_error=reason))


def hold_check(connection: Connection, linked_account_id: str, slug: str) -> None:
    """Put off a subject's check until its failed events are due: all are tried together, after growing delays."""
    retrying = select(func.min(events.c.due_at, type_=events.c.due_at.type)).where(
        is_subject(linked_account_id, slug), is_unfinished, events.c.retrying_since.is_not(None)
    )
    due_at = connection.execute(retrying).scalar_one()
    if due_at is not None:
        early = and_(_is_check(linked_account_id, slug), checks.c.due_at < due_at)
        connection.execute(update(checks).where(early).values(due_at=due_at))


def _is_check(linked_account_id: str, slug: str) -> ColumnElement[bool]:
    return and_(checks.c.linked_account_id == linked_account_id, checks.c.slug == slug)
