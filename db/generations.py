"""Generations of an account: a deletion ends one, and the first sign-up after it begins the next."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from cobalt_mirror.db.deletions import Deletion, find_deletion
from cobalt_mirror.db.log import DELETION, EVENT_COLUMNS, SIGN_UP, LoggedEvent, Order, is_subject
from cobalt_mirror.db.statuses import EventStatus
from cobalt_mirror.db.tables import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The present generation of an account that was deleted before.

    Attributes:
        deletion: the receipt of the deletion that ended the generation before.
        begun: the sign-up that began this one; None: no sign-up did.
    """

    deletion: Deletion
    begun: LoggedEvent | None

    def is_over_for(self, type_: str, order: Order) -> bool:
        """Tell whether an event, by its type and its place among others, is of an earlier generation or of none."""
        if order[:2] <= self.deletion.end:
            return True
        if type_ in {SIGN_UP, DELETION}:
            return False
        return self.begun is None or order < self.begun.order


def find_generation(connection: Connection, linked_account_id: str) -> Generation | None:
    """Find the present generation of an account. None: it was never deleted."""
    deletion = find_deletion(connection, linked_account_id)
    return None if deletion is None else get_generation(connection, deletion)


def get_generation(connection: Connection, deletion: Deletion) -> Generation:
    """Read what began after a deletion."""
    statement = (
        select(*EVENT_COLUMNS)
        .where(
            is_subject(deletion.linked_account_id, ""),
            events.c.type == SIGN_UP,
            events.c.status != EventStatus.DEAD,
            events.c.occurred_at >= deletion.occurred_at,
            or_(events.c.occurred_at > deletion.occurred_at, events.c.number > (deletion.number or 0)),
        )
        .order_by(events.c.occurred_at, func.coalesce(events.c.number, 0), events.c.id, events.c.source)
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return Generation(deletion=deletion, begun=None if row is None else LoggedEvent.from_columns(row._mapping))
