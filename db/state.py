"""The few facts about the whole installation: its environment, whether calls are halted, the catalogue's age."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_, select

from cobalt_mirror.db.engine import insert_into, upsert
from cobalt_mirror.db.feed import record_entries
from cobalt_mirror.db.feed_entries import NewEntry
from cobalt_mirror.db.statuses import ChangeType, Move, StateKey
from cobalt_mirror.db.tables import state

#: Built once, for the relay asks this often.
_VALUE = select(state.c.value).where(state.c.key == bindparam("wanted"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """The circuit breaker is open, so no calls are made: why, since when, and when the next probe may be made.

    Attributes:
        move: who has to act: the `operator` (the key is refused) or the `provider` (an outage of Cobalt's).
    """

    reason: str
    since: datetime
    probe_at: datetime
    probes: int = 0
    move: Move = Move.OPERATOR


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether calls may be made: the halt in force, if any, and the environment, if it is pinned."""

    halt: Halt | None
    environment: str | None


_STANDING = select(state.c.key, state.c.value).where(
    or_(state.c.key == StateKey.HALTED, state.c.key == StateKey.ENVIRONMENT)
)


def get_standing(connection: Connection) -> Standing:
    """Read both in one statement."""
    values = {row.key: row.value for row in connection.execute(_STANDING)}
    return standing_of(values.get(StateKey.HALTED), values.get(StateKey.ENVIRONMENT))


def standing_of(halted: Any, environment: Any) -> Standing:
    """Return the same from the two values, which were read together with more."""
    return Standing(_halt(halted), environment)


def find_halt(connection: Connection) -> Halt | None:
    """Find the halt in force, if there is one."""
    return _halt(find_value(connection, StateKey.HALTED))


def _halt(value: Any) -> Halt | None:
    if value is None:
        return None
    times = {name: datetime.fromisoformat(value[name]) for name in ("since", "probe_at")}
    return Halt(reason=value["reason"], probes=value["probes"], move=Move(value.get("move", Move.OPERATOR)), **times)


def record_halt(connection: Connection, halt: Halt) -> None:
    """Stop all calls until a probe succeeds. The change feed is told once for all processes."""
    times = {"since": halt.since.isoformat(), "probe_at": halt.probe_at.isoformat()}
    value = {**asdict(halt), **times}
    statement = insert_into(connection, state).values(key=StateKey.HALTED, value=value)
    if connection.execute(statement.on_conflict_do_nothing(index_elements=["key"])).rowcount == 1:
        data = {"reason": halt.reason, "move": halt.move}
        record_entries(connection, [NewEntry(type=ChangeType.WORK_HALTED, data=data)], at=halt.since)
    else:
        record_value(connection, StateKey.HALTED, value)


def end_halt(connection: Connection, *, at: datetime) -> None:
    """Let calls be made again, because a probe succeeded. The change feed is told once."""
    statement = delete(state).where(state.c.key == StateKey.HALTED).returning(state.c.value)
    value = connection.execute(statement).scalar_one_or_none()
    if value is not None:
        data = {"reason": value["reason"], "move": value.get("move", Move.OPERATOR), "since": value["since"]}
        record_entries(connection, [NewEntry(type=ChangeType.WORK_RESUMED, data=data)], at=at)


def find_environment(connection: Connection) -> str | None:
    """Find the environment that this database belongs to; None until the first success."""
    environment: str | None = find_value(connection, StateKey.ENVIRONMENT)
    return environment


def pin_environment(connection: Connection, environment: str) -> None:
    """Bind the database to this environment for good, unless it is bound already."""
    statement = insert_into(connection, state).values(key=StateKey.ENVIRONMENT, value=environment)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


def ensure_installation(connection: Connection) -> str:
    """Return the random name of this installation; the first caller gives it."""
    statement = insert_into(connection, state).values(key=StateKey.INSTALLATION, value=secrets.token_hex(8))
    connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
    return str(find_value(connection, StateKey.INSTALLATION))


def find_catalogue_due(connection: Connection) -> datetime | None:
    """Find when the catalogue is to be read next; None: it was never read."""
    value = find_value(connection, StateKey.CATALOGUE_DUE)
    return None if value is None else datetime.fromisoformat(value)


def record_catalogue_due(connection: Connection, due_at: datetime) -> None:
    """Have the catalogue read at a time."""
    record_value(connection, StateKey.CATALOGUE_DUE, due_at.isoformat())


def hasten_catalogue(connection: Connection, latest: datetime) -> None:
    """Have the catalogue read no later than at a time. One that was never read is due already."""
    due_at = find_catalogue_due(connection)
    if due_at is not None and due_at > latest:
        record_catalogue_due(connection, latest)


def find_absent(connection: Connection) -> dict[str, datetime]:
    """Find the applications that the catalogue lacks and that are not disabled yet, each since when it lacks them."""
    value = find_value(connection, StateKey.CATALOGUE_ABSENT) or {}
    return {slug: datetime.fromisoformat(since) for slug, since in value.items()}


def record_absent(connection: Connection, since: Mapping[str, datetime]) -> None:
    """Remember which applications the catalogue lacks, and since when."""
    if since or find_value(connection, StateKey.CATALOGUE_ABSENT):
        record_value(connection, StateKey.CATALOGUE_ABSENT, {slug: each.isoformat() for slug, each in since.items()})


def find_value(connection: Connection, key: StateKey) -> Any:
    """Find what is recorded under a key; None: nothing is."""
    return connection.execute(_VALUE, {"wanted": key}).scalar_one_or_none()


def lock_value(connection: Connection, key: StateKey, *, empty: Any) -> None:
    """Let no other transaction change what is under a key until this one ends, so that it can be read and changed."""
    statement = insert_into(connection, state).values(key=key, value=empty)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
    connection.execute(select(state.c.key).where(state.c.key == key).with_for_update())


def record_value(connection: Connection, key: StateKey, value: Any) -> None:
    """Record something under a key."""
    upsert(connection, state, {"key": key, "value": value})
