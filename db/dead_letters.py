"""Dead events: which an operator means, and what she does to them.

A replay and a discard change dead events only, so neither takes anything from a worker, and one that comes twice does
nothing the second time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tuple_, update

from cobalt_mirror.db.log import Key
from cobalt_mirror.db.outcomes import UNTRIED
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.db.tables import events, is_dead

_KEYS_A_STATEMENT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadFilter:
    """Which dead events are meant. What is None leaves nothing out.

    Attributes:
        move: who has to act.
        type: the type of the event.
        slug: the application.
        account: the linked account.
        reason: a part of the reason, in whatever case.
        since: only what died at this time or later.
    """

    move: Move | None = None
    type: str | None = None
    slug: str | None = None
    account: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row must meet."""
        e = events.c
        wanted = [
            None if self.move is None else _is_move(self.move),
            None if self.type is None else e.type == self.type,
            None if self.slug is None else e.slug == self.slug,
            None if self.account is None else e.linked_account_id == self.account,
            None if self.reason is None else e.last_error.icontains(self.reason, autoescape=True),
            None if self.since is None else e.finished_at >= self.since,
        ]
        return [is_dead, *(condition for condition in wanted if condition is not None)]


def _is_move(move: Move) -> ColumnElement[bool]:
    """Tell whose move it is. What says nothing, or nothing that we know, is the operator's."""
    if move is not Move.OPERATOR:
        return events.c.move == move
    others = [events.c.move != other for other in Move if other is not Move.OPERATOR]
    return or_(events.c.move.is_(None), and_(*others))


def died_before(connection: Connection, *, type_: str, slug: str | None, reason: str, at: datetime) -> bool:
    """Tell whether an event of this type and application is dead since before a time, for such a reason.

    Args:
        connection: a transaction that reads.
        type_: the type of the event.
        slug: the application; None: the account itself.
        reason: a part of the reason, the same for every event that has it.
        at: the time.
    """
    e = events.c
    is_slug = e.slug.is_(None) if slug is None else e.slug == slug
    is_alike = (e.type == type_, is_slug, e.last_error.contains(reason, autoescape=True))
    return connection.execute(select(e.id).where(is_dead, *is_alike, e.finished_at < at).limit(1)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A dead event, without its payload.

    Attributes:
        move: who has to act.
        reason: why it is dead.
    """

    source: str
    id: str
    type: str
    linked_account_id: str
    slug: str | None
    occurred_at: datetime
    finished_at: datetime | None
    attempts: int
    move: Move
    reason: str | None

    @property
    def key(self) -> Key:
        """Its source and id."""
        return self.source, self.id

    @property
    def is_named(self) -> bool:
        """Whether its names are text, so that an attempt can meet it; see `db.strays`."""
        names = (self.source, self.id, self.linked_account_id, self.slug or "")
        return all(isinstance(name, str) for name in names)


_COLUMNS = ("source", "id", "type", "linked_account_id", "slug", "occurred_at", "finished_at", "attempts")


def list_dead(connection: Connection, wanted: DeadFilter, *, limit: int) -> list[DeadLetter]:
    """List dead events, those first that died first.

    SELECT ... FROM events WHERE status = 'dead' AND ... ORDER BY finished_at, source, id LIMIT 100
    """
    e = events.c
    columns = [e[name] for name in _COLUMNS]
    statement = (
        select(*columns, e.move, e.last_error)
        .where(*wanted.conditions())
        .order_by(e.finished_at, e.source, e.id)
        .limit(limit)
    )
    return [_letter(row) for row in connection.execute(statement)]


def _letter(row: Any) -> DeadLetter:
    values: dict[str, Any] = {name: getattr(row, name) for name in _COLUMNS}
    return DeadLetter(**values, move=row.move or Move.OPERATOR, reason=row.last_error)


def count_dead(connection: Connection, wanted: DeadFilter) -> int:
    """Count the dead events that are meant."""
    return connection.execute(select(func.count()).select_from(events).where(*wanted.conditions())).scalar_one()


def replay(connection: Connection, keys: Iterable[Key], *, by: str, at: datetime) -> set[Key]:
    """Make dead events pending and due, as if they had failed for the first time just now. Their attempts are kept.

    Args:
        connection: the transaction.
        keys: the events. Those that are not dead any more stay as they are.
        by: the operator, whom the history names.
        at: the time.

    Returns:
        The events that are pending again.
    """
    tried = {"attempts", "detail"}  # what a replay keeps, and what it says itself
    untried = {name: value for name, value in UNTRIED.items() if name not in tried}
    columns = {**untried, "due_at": at, "detail": f"set back to pending by {by}"}
    return _change(connection, keys, by=by, at=at, columns={"status": EventStatus.PENDING, **columns})


def discard(connection: Connection, keys: Iterable[Key], *, by: str, at: datetime, why: str) -> set[Key]:
    """End dead events for good: nothing carries them out, and nobody has to act. `last_error` still says what failed.

    Returns:
        The events that were discarded.
    """
    columns = {"finished_at": at, "detail": why, "move": None, "unseen": None}
    return _change(connection, keys, by=by, at=at, columns={"status": EventStatus.DISCARDED, **columns})


def _change(
    connection: Connection, keys: Iterable[Key], *, by: str, at: datetime, columns: Mapping[str, Any]
) -> set[Key]:
    changed = set[Key]()
    for batch in _batches(keys):
        is_meant = and_(tuple_(events.c.source, events.c.id).in_(batch), events.c.status == EventStatus.DEAD)
        statement = update(events).where(is_meant).values(**columns, operator=by, operated_at=at)
        changed |= {
            (row.source, row.id) for row in connection.execute(statement.returning(events.c.source, events.c.id))
        }
    return changed


def _batches(keys: Iterable[Key]) -> Iterator[Sequence[Key]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, _KEYS_A_STATEMENT)):
        yield batch
