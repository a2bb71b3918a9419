"""Pauses: what the operator has stopped for a while. They are one row of `state`, which each attempt reads anyway."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, exists, func, literal, or_, select, true, update

from cobalt_mirror.db.state import find_value, lock_value, record_value
from cobalt_mirror.db.statuses import PauseScope, StateKey
from cobalt_mirror.db.tables import applications, checks, connections, events, is_pending

#: How the reason of what waits for a pause begins; `hurry_paused` finds it by that.
PAUSED = "paused: "
#: The most events that one transaction of `hurry_paused` changes.
_BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What is stopped, and until when.

    Attributes:
        scope: what kind of thing is stopped.
        name: which type, application or account; None: the scope has one thing only.
        since: when it was paused.
        until: when it goes on by itself; None: when somebody resumes it.
        why: the reason, for people.
        by: who paused it.
    """

    scope: PauseScope
    name: str | None
    since: datetime
    until: datetime | None
    why: str | None
    by: str

    @property
    def key(self) -> tuple[PauseScope, str | None]:
        """What is paused; a later pause of the same replaces an earlier one."""
        return self.scope, self.name

    def is_in_force(self, now: datetime) -> bool:
        """Tell whether it stops anything now."""
        return self.until is None or now < self.until

    def described(self) -> str:
        """Say what is paused, until when, why and by whom."""
        what = self.scope.value if self.name is None else f"{self.scope} {self.name}"
        end = "until somebody resumes it" if self.until is None else f"until {self.until:%Y-%m-%d %H:%M:%S} UTC"
        why = "" if self.why is None else f": {self.why}"
        return f"{what} {end}, by {self.by}{why}"


def pauses_of(value: Any) -> tuple[Pause, ...]:
    """Return the pauses that a row of `state` holds, which was read together with more."""
    return tuple(
        Pause(
            scope=PauseScope(each["scope"]),
            name=each["name"],
            since=datetime.fromisoformat(each["since"]),
            until=None if each["until"] is None else datetime.fromisoformat(each["until"]),
            why=each["why"],
            by=each["by"],
        )
        for each in value or ()
    )


def list_pauses(connection: Connection, now: datetime) -> list[Pause]:
    """List the pauses that are in force."""
    return [pause for pause in pauses_of(find_value(connection, StateKey.PAUSES)) if pause.is_in_force(now)]


def record_pause(connection: Connection, pause: Pause) -> None:
    """Stop something from now on, or change until when it is stopped."""
    lock_value(connection, StateKey.PAUSES, empty=[])
    others = [each for each in list_pauses(connection, pause.since) if each.key != pause.key]
    _record(connection, [*others, pause])


def end_pause(connection: Connection, scope: PauseScope, name: str | None, now: datetime) -> Pause | None:
    """Let something go on. Return the pause that ended; None: it was not paused."""
    lock_value(connection, StateKey.PAUSES, empty=[])
    before = list_pauses(connection, now)
    ended = next((each for each in before if each.key == (scope, name)), None)
    _record(connection, [each for each in before if each is not ended])
    return ended


def knows_application(connection: Connection, slug: str) -> bool:
    """Tell whether the catalogue or the mirror has an application."""
    rows = [exists().where(table.c.slug == slug) for table in (applications, connections)]
    return bool(connection.execute(select(or_(*rows))).scalar_one())


def _record(connection: Connection, pauses: Sequence[Pause]) -> None:
    rows = [
        {
            **asdict(pause),
            "since": pause.since.isoformat(),
            "until": None if pause.until is None else pause.until.isoformat(),
        }
        for pause in pauses
    ]
    record_value(connection, StateKey.PAUSES, rows)


def hurry_paused(
    connection: Connection, scope: PauseScope, name: str | None, now: datetime, *, after: int
) -> int | None:
    """Make due at once a batch of the events that wait for a pause, in the order in which they were recorded.

    What another pause stops as well is put off again by the attempt that meets it, and is not hurried once more.

    Args:
        connection: the transaction.
        scope: what kind of thing goes on.
        name: which of them.
        now: the time.
        after: the number up to which events were seen before; -1: none was.

    Returns:
        The number up to which they were seen now; None: there is none behind it.
    """
    number = func.coalesce(events.c.number, 0)
    waits = and_(is_pending, events.c.due_at > now, events.c.detail.startswith(PAUSED), _is_of(events, scope, name))
    batch = select(number.label("number")).where(waits, number > after).order_by(number).limit(_BATCH).subquery()
    last: int | None = connection.execute(select(func.max(batch.c.number))).scalar_one()
    if last is not None:
        hurried = update(events).where(waits, number > after, number <= last)
        due_at = case((events.c.recorded_at < now, events.c.recorded_at), else_=literal(now, events.c.due_at.type))
        connection.execute(hurried.values(due_at=due_at, detail=None))
    return last


def hurry_paused_rereads(connection: Connection, scope: PauseScope, name: str | None, now: datetime) -> None:
    """Make due at once the rereads that wait for a pause."""
    waits = and_(checks.c.due_at > now, checks.c.last_error.startswith(PAUSED), _is_of(checks, scope, name))
    connection.execute(update(checks).where(waits).values(due_at=now, last_error=None))


def _is_of(table: Table, scope: PauseScope, name: str | None) -> ColumnElement[bool]:
    """Return the condition for rows that wait for a pause. Of a type, the reason says it: others may wait with it."""
    match scope:
        case PauseScope.TYPE:
            return _REASONS[table.name].startswith(f"{PAUSED}{scope} {name} ", autoescape=True)
        case PauseScope.APPLICATION:
            return table.c.slug == name
        case PauseScope.ACCOUNT:
            return table.c.linked_account_id == name
        case PauseScope.EVERYTHING | PauseScope.RECONCILIATION:
            return true()


#: Where the reason of what waits is written.
_REASONS: Mapping[str, ColumnElement[Any]] = {"events": events.c.detail, "checks": checks.c.last_error}
