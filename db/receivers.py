"""The receivers of notices: how far each has followed the change feed, and whether it takes anything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, literal_column, or_, select, update

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.statuses import NoticeStatus, ReceiverKind
from cobalt_mirror.db.tables import changes, notices, receivers

#: In the words of the partial index; see `db.tables.log.is_pending`.
is_pending = notices.c.status == literal_column(f"'{NoticeStatus.PENDING}'")
is_failed = notices.c.status == literal_column(f"'{NoticeStatus.FAILED}'")


#: What was not taken at the first attempt; the one in progress may still be.
_is_failing = or_(is_failed, and_(is_pending, notices.c.begun_at.is_not(None)))
_now = bindparam("now", type_=notices.c.due_at.type)
#: Pending, due at the parameter `now`, and in no process's hand.
IS_FREE = and_(
    is_pending, notices.c.due_at <= _now, or_(notices.c.taken_until.is_(None), notices.c.taken_until <= _now)
)
_r, _c = receivers.c, changes.c
_LAST = select(_c.position).where(_c.position.is_not(None)).order_by(_c.position.desc()).limit(1).scalar_subquery()


def ensure_receiver(connection: Connection, name: str, kind: ReceiverKind, *, at: datetime) -> None:
    """Have a receiver follow the feed. A new one begins at its end: it gets what happens from now on."""
    last = connection.execute(select(func.coalesce(_LAST, 0))).scalar_one()
    values = {"name": name, "kind": kind, "position": last, "added_at": at}
    connection.execute(insert_into(connection, receivers).values(**values).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to do for a receiver.

    Attributes:
        is_known: whether it has a row.
        is_behind: whether the feed has entries after its position.
        has_due: whether a notice is due, and it is not disabled.
    """

    is_known: bool
    is_behind: bool = False
    has_due: bool = False


_HAS_DUE = exists().where(notices.c.receiver == bindparam("name"), IS_FREE)
_WORK = select(
    _r.position, func.coalesce(_LAST, 0).label("last"), and_(_r.disabled_at.is_(None), _HAS_DUE).label("has_due")
).where(_r.name == bindparam("name"))


def find_work(connection: Connection, name: str, now: datetime) -> Work:
    """Find what there is to do for a receiver. Each second asks this, so it is one statement over indexes."""
    row = connection.execute(_WORK, {"name": name, "now": now}).one_or_none()
    if row is None:
        return Work(is_known=False)
    return Work(is_known=True, is_behind=row.last != row.position, has_due=bool(row.has_due))


def lock_position(connection: Connection, name: str) -> int | None:
    """Return how far a receiver is, and let no other process move it; None: another one is doing that."""
    statement = select(_r.position).where(_r.name == name).with_for_update(skip_locked=True)
    position: int | None = connection.execute(statement).scalar_one_or_none()
    return position


def record_position(connection: Connection, name: str, position: int) -> None:
    """Record how far a receiver is."""
    connection.execute(update(receivers).where(_r.name == name).values(position=position))


def find_delivered_at(connection: Connection, name: str) -> datetime | None:
    """Find when a receiver took a notice last."""
    delivered_at: datetime | None = connection.execute(select(_r.delivered_at).where(_r.name == name)).scalar()
    return delivered_at


def record_delivered(connection: Connection, name: str, *, at: datetime) -> None:
    """Record that a receiver took a notice."""
    connection.execute(update(receivers).where(_r.name == name).values(delivered_at=at))


def disable_receiver(connection: Connection, name: str, because: str, *, at: datetime) -> None:
    """Send nothing to a receiver any more. New notices are still added for it."""
    is_enabled = (_r.name == name, _r.disabled_at.is_(None))
    connection.execute(update(receivers).where(*is_enabled).values(disabled_at=at, disabled_because=because))


def enable_receiver(connection: Connection, name: str, *, at: datetime) -> int | None:
    """Send to a receiver again, at once and with all attempts, what it did not take; return how much that is.

    Returns:
        Number of its notices that wait or failed; None: there is no such receiver.
    """
    enabled = update(receivers).where(_r.name == name).values(disabled_at=None, disabled_because=None)
    if connection.execute(enabled).rowcount == 0:
        return None
    n = notices.c
    again: dict[str, Any] = {"status": NoticeStatus.PENDING, "attempts": 0, "due_at": at}
    again |= dict.fromkeys(("begun_at", "taken_until", "ended_at"))
    connection.execute(update(notices).where(n.receiver == name, _is_failing).values(**again))
    waiting = select(func.count()).select_from(notices).where(n.receiver == name, is_pending)
    return connection.execute(waiting).scalar_one()


def forget_receiver(connection: Connection, name: str) -> bool:
    """Delete a receiver and its notices, and return whether there was one. If a worker still has it, it begins anew."""
    connection.execute(delete(notices).where(notices.c.receiver == name))
    return connection.execute(delete(receivers).where(_r.name == name)).rowcount == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverState:
    """How a receiver fares.

    Attributes:
        name: its name.
        kind: what it is.
        behind: how many entries of the feed come after its position.
        pending: how many notices wait for it, including those of failures that have not settled.
        begun: how many of these were tried, or are being tried.
        failed: how many were given up.
        failing_since: when the first attempt began at the oldest of those two.
        detail: why the last attempt at that one failed.
        delivered_at: when it took a notice last.
        disabled_at: since when nothing is sent to it.
        disabled_because: why.
    """

    name: str
    kind: ReceiverKind
    behind: int
    pending: int
    begun: int
    failed: int
    failing_since: datetime | None
    detail: str | None
    delivered_at: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None


def list_receivers(connection: Connection) -> list[ReceiverState]:
    """List all receivers, by name, and how each fares."""
    last = connection.execute(select(func.coalesce(_LAST, 0))).scalar_one()
    return [
        ReceiverState(
            **{name: row[name] for name in ("name", "kind", "delivered_at", "disabled_at", "disabled_because")},
            behind=max(last - row["position"], 0),
            **_counts(connection, row["name"]),
        )
        for row in connection.execute(select(receivers).order_by(_r.name)).mappings()
    ]


def find_longest_due_notice(connection: Connection) -> datetime | None:
    """Find since when the oldest due notice is due, without those to disabled receivers."""
    enabled = select(_r.name).where(_r.disabled_at.is_(None))
    due = select(notices.c.due_at).where(is_pending, notices.c.receiver.in_(enabled))
    due_at: datetime | None = connection.execute(due.order_by(notices.c.due_at).limit(1)).scalar_one_or_none()
    return due_at


def _counts(connection: Connection, name: str) -> dict[str, Any]:
    n = notices.c
    of_it = select(
        func.count().filter(is_pending).label("pending"),
        func.count().filter(is_pending, n.begun_at.is_not(None)).label("begun"),
        func.count().filter(is_failed).label("failed"),
    ).where(n.receiver == name, or_(is_pending, is_failed))
    failing = select(n.begun_at, n.detail).where(n.receiver == name, _is_failing)
    first = connection.execute(failing.order_by(n.begun_at, n.position).limit(1)).one_or_none()
    return {
        **connection.execute(of_it).mappings().one(),
        "failing_since": None if first is None else first.begun_at,
        "detail": None if first is None else first.detail,
    }
