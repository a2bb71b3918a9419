"""Generations of an account: a deletion ends one, and the first sign-up after it begins the next."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from cobalt_mirror.db.deletions import Deletion, find_deletion, record_begun
from cobalt_mirror.db.log import DELETION, EVENT_COLUMNS, SIGN_UP, LoggedEvent, Order, Place, is_subject, place_of
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.tables import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The present generation of an account that was deleted before.

    Attributes:
        deletion: the receipt of the deletion that ended the generation before.
        begun: the first sign-up since then whose row is there; None: there is none.
        is_alive: whether the mirror has the account, so that a sign-up began this generation in any case.
    """

    deletion: Deletion
    begun: LoggedEvent | None
    is_alive: bool = False

    @property
    def began(self) -> Place | None:
        """The place of the sign-up that began this generation; None: no sign-up did.

        Its row may be pruned. Then the receipt knows it; where an older release wrote the receipt, everything since the
        deletion counts.
        """
        known = [self.deletion.begun, None if self.begun is None else place_of(self.begun.order)]
        first = min((place for place in known if place is not None), default=None)
        return (*self.deletion.end, "", "") if first is None and self.is_alive else first

    def is_over_for(self, type_: str, order: Order) -> bool:
        """Tell whether an event, by its type and its order among others, is of an earlier generation or of none.

        Of one time and without numbers, the ids decide here: the receipt does not keep when the sign-up was recorded.
        """
        if order[:2] <= self.deletion.end:
            return True
        if type_ in {SIGN_UP, DELETION}:
            return False
        return self.began is None or place_of(order) < self.began


def find_generation(connection: Connection, linked_account_id: str) -> Generation | None:
    """Find the present generation of an account. None: it was never deleted."""
    deletion = find_deletion(connection, linked_account_id)
    return None if deletion is None else get_generation(connection, deletion)


def get_generation(connection: Connection, deletion: Deletion, *, is_alive: bool = False) -> Generation:
    """Read what began after a deletion.

    Args:
        connection: a transaction.
        deletion: the receipt of the account's last deletion.
        is_alive: whether the mirror has the account.
    """
    return Generation(deletion=deletion, begun=_find_sign_up(connection, deletion), is_alive=is_alive)


def note_begun(connection: Connection, deletion: Deletion) -> None:
    """Note in the receipt which sign-up began the next generation, once that is finished: its row may be pruned."""
    begun = _find_sign_up(connection, deletion)
    if begun is None or begun.status is EventStatus.PENDING:
        return
    place = place_of(begun.order)
    if deletion.begun is None or place < deletion.begun:
        record_begun(connection, deletion, place)


def _find_sign_up(connection: Connection, deletion: Deletion) -> LoggedEvent | None:
    """Find the first sign-up after a deletion that is neither dead nor discarded."""
    statement = (
        select(*EVENT_COLUMNS)
        .where(
            is_subject(deletion.linked_account_id, ""),
            events.c.type == SIGN_UP,
            events.c.status != EventStatus.DEAD,
            events.c.status != EventStatus.DISCARDED,
            events.c.occurred_at >= deletion.occurred_at,
            or_(events.c.occurred_at > deletion.occurred_at, events.c.number > (deletion.number or 0)),
        )
        .order_by(events.c.occurred_at, func.coalesce(events.c.number, 0), events.c.id, events.c.source)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else LoggedEvent.from_columns(row._mapping)
