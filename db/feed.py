"""The change feed: entries go in with the changes that they tell of, and get their positions after the commit.

Only this module writes the table `changes`, but for what `prune` deletes. See docs/decisions/0013.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Text, bindparam, func, select, update

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.engine import reading, schema_of
from cobalt_mirror.db.feed_entries import NewEntry, without_values
from cobalt_mirror.db.recordset import insert_rows
from cobalt_mirror.db.tables import changes

#: How many entries get their positions in one transaction.
BATCH = 1_000
#: Looks that give no whole batch take no more of the time than one part in so many, unless `LONGEST_SECONDS` have
#: passed: while a transaction stays open, PostgreSQL keeps what each entry left in the index when it got its position.
#: A look took 0.2 ms of an empty feed, and 78 ms after 200,000 entries beside such a transaction.
SHARE, LONGEST_SECONDS = 20, 10.0

_APPEND = changes.insert().inline()  # the new row's number is of no use to a writer


def record_entries(connection: Connection, entries: Sequence[NewEntry], *, at: datetime) -> None:
    """Append entries in the transaction that makes what they tell of true."""
    if entries:
        connection.execute(_APPEND, [{**asdict(entry), "recorded_at": at} for entry in entries])


# --- beside another statement -----------------------------------------------------------------------------------------

_COLUMNS = ("recorded_at", *NewEntry.__dataclass_fields__)
#: For the WITH of a statement on PostgreSQL that is made anyway; its parameter `entries` has what `as_json` returns.
INSERT_ENTRIES = insert_rows(changes, _COLUMNS, parameter="entries")


def as_json(entry: NewEntry, *, at: datetime) -> dict[str, Any]:
    """Return an entry as `INSERT_ENTRIES` takes it."""
    return {**asdict(entry), "recorded_at": stored_time(at)}


# --- positions --------------------------------------------------------------------------------------------------------

_c = changes.c
_FIRST_UNNUMBERED = select(_c.number).where(_c.position.is_(None)).order_by(_c.number).limit(1)
_TRY_LOCK = select(func.pg_try_advisory_xact_lock(func.hashtext(bindparam("name", type_=Text()))))
_LOCK = select(func.pg_advisory_xact_lock(func.hashtext(bindparam("name", type_=Text()))))

_LAST = select(_c.position).where(_c.position.is_not(None)).order_by(_c.position.desc()).limit(1).scalar_subquery()
_NEXT = (
    select(_c.number, func.row_number().over(order_by=_c.number).label("place"))
    .where(_c.position.is_(None))
    .order_by(_c.number)
    .limit(bindparam("batch", type_=BigInteger()))
    .subquery("next")
)
_GIVE_POSITIONS = (
    update(changes).where(_c.number == _NEXT.c.number).values(position=func.coalesce(_LAST, 0) + _NEXT.c.place)
)


def number_changes(engine: Engine, *, batch: int = BATCH) -> int:
    """Give the entries that are committed and have no position the next positions, and return how many they were.

    Positions are given by one process at a time, and nothing has a higher one than what was committed by then. So what
    has a position comes after all that had one before, and a reader that goes on from its last position misses none. If
    another process is just giving positions, this one leaves it to that. It waits for nothing.
    """
    with reading(engine).begin() as connection:
        if connection.execute(_FIRST_UNNUMBERED).one_or_none() is None:
            return 0
    with engine.begin() as connection:
        if not _is_locked(connection):
            return 0
        return connection.execute(_GIVE_POSITIONS, {"batch": batch}).rowcount


def find_oldest_unnumbered(connection: Connection) -> datetime | None:
    """Find when the oldest entry was recorded that has no position yet; None: each has one."""
    oldest = select(_c.recorded_at).where(_c.position.is_(None)).order_by(_c.number).limit(1)
    recorded_at: datetime | None = connection.execute(oldest).scalar_one_or_none()
    return recorded_at


@dataclass(slots=True)
class Numbering:
    """Gives positions again and again for a process, as often as that is cheap. Safe to share between threads."""

    engine: Engine
    monotonic: Callable[[], float] = time.monotonic
    _rests_until: float = float("-inf")

    def run(self) -> None:
        """Give positions, unless the last time has taken so long that it is not its turn yet."""
        began = self.monotonic()
        if began < self._rests_until:
            return
        number = number_changes(self.engine)
        ended = self.monotonic()
        self._rests_until = ended + rest_after(number, took=ended - began)


def rest_after(number: int, *, took: float) -> float:
    """Return for how many seconds to rest after positions were given.

    Args:
        number: how many were given; after a whole batch there may be more.
        took: how many seconds that took.
    """
    return 0.0 if number >= BATCH else min(SHARE * took, LONGEST_SECONDS)


def _is_locked(connection: Connection) -> bool:
    """Take the lock if it is free. The next statement then sees all that was committed before that."""
    if connection.dialect.name == "sqlite":  # whoever writes has the file's only lock
        return True
    return bool(connection.execute(_TRY_LOCK, {"name": _lock_name(connection)}).scalar_one())


def _lock_name(connection: Connection) -> str:
    return f"changes of {schema_of(connection)}"


# --- erasure ----------------------------------------------------------------------------------------------------------


def erase_entries(connection: Connection, linked_account_id: str) -> None:
    """Take out of an account's entries what may be personal. That there was a change stays.

    No positions are given meanwhile: who gives them would wait for these rows.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK, {"name": _lock_name(connection)})
    rows = connection.execute(select(_c.number, _c.type, _c.data).where(_c.linked_account_id == linked_account_id))
    bare = [
        {"number_": row.number, "data": kept}
        for row in rows
        if (kept := without_values(row.type, row.data)) != row.data
    ]
    if bare:
        statement = update(changes).where(_c.number == bindparam("number_")).values(data=bindparam("data"))
        connection.execute(statement, bare)
