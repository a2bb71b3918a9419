"""What waits because the operator paused it: plain values in and out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.pauses import PAUSED, Pause
from cobalt_mirror.db.statuses import EventStatus, PauseScope
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.outcomes import Outcome, Verdict

#: A pause is looked at again after this time: it may have been ended while an attempt was putting something off.
LOOK_AGAIN = timedelta(hours=1)


def find_pause(pauses: Sequence[Pause], *, account_id: str, slug: str, type_: str | None) -> Pause | None:
    """Find the pause that stops an event or a reread; of several, the one that lasts longest.

    A deletion that a customer was promised goes on, unless its type is paused by name.

    Args:
        pauses: those in force.
        account_id: the account.
        slug: the application; empty: the account itself.
        type_: the event's type; None: it is a reread.
    """
    stopping = [pause for pause in pauses if _stops(pause, account_id=account_id, slug=slug, type_=type_)]
    endless = [pause for pause in stopping if pause.until is None]
    return endless[0] if endless else max(stopping, key=lambda pause: pause.until or pause.since, default=None)


def _stops(pause: Pause, *, account_id: str, slug: str, type_: str | None) -> bool:
    if type_ == EventType.USER_DELETED:
        return pause.key == (PauseScope.TYPE, type_)
    match pause.scope:
        case PauseScope.EVERYTHING:
            return True
        case PauseScope.TYPE:
            return pause.name == type_
        case PauseScope.APPLICATION:
            return pause.name == slug
        case PauseScope.ACCOUNT:
            return pause.name == account_id
        case PauseScope.RECONCILIATION:
            return False


def wait_for(pause: Pause, now: datetime) -> timedelta:
    """Return when to look whether something is paused still: at the end of the pause, or in an hour."""
    return LOOK_AGAIN if pause.until is None else min(pause.until - now, LOOK_AGAIN)


def hold_back(
    rows: Sequence[LoggedEvent], pauses: Sequence[Pause], now: datetime
) -> tuple[list[LoggedEvent], list[tuple[LoggedEvent, Outcome]]]:
    """Split the events of a subject into those that go on, and those that are due and wait for a pause from now on.

    A paused event that is not due is in neither: it keeps its time. What comes after a paused deletion waits with it,
    or the deletion would come too late for the sign-up that follows it.

    Args:
        rows: the events, oldest first.
        pauses: those in force.
        now: the time.
    """
    going: list[LoggedEvent] = []
    held: list[tuple[LoggedEvent, Outcome]] = []
    of_deletion: Pause | None = None
    for row in rows:
        pause = None
        if row.status == EventStatus.PENDING:
            own = find_pause(pauses, account_id=row.linked_account_id, slug=row.slug or "", type_=row.type)
            pause = own or of_deletion
            of_deletion = own if row.type == EventType.USER_DELETED else of_deletion
        if pause is None:
            going.append(row)
        elif row.due_at is None or row.due_at <= now:
            detail = PAUSED + pause.described()
            held.append((row, Outcome(verdict=Verdict.SNOOZE, delay=wait_for(pause, now), detail=detail)))
    return going, held
