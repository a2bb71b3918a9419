"""When to look again: one answer of Cobalt's is no proof that something is not there. Plain values in and out.

An answer may come from a copy that lags behind, and an outage may answer that nothing is there. So what Cobalt does not
show is looked at again a few times before it is believed, and what many accounts miss at once is an outage.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

from cobalt_mirror.db.checks import Check
from cobalt_mirror.db.denials import FEW_DENIED, Denial
from cobalt_mirror.db.log import Key, LoggedEvent
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.outcomes import Outcome, Verdict

#: When what Cobalt does not show is looked at again, in seconds after the look before.
LOOKS = (2.0, 3.0, 10.0)
#: What is younger than this may not show yet; also what the mirror learned so recently may be contradicted by an answer
#: that is older.
FRESH = timedelta(seconds=30)
#: How long after it was written off something is looked at once more, so that a wrong answer heals by itself.
ONCE_MORE = timedelta(seconds=60)
NOT_YET = "Cobalt does not show the connection yet"

_SINCE_FIRST = tuple(timedelta(seconds=seconds) for seconds in accumulate(LOOKS))
#: After this time an answer is no older than what the mirror learned at its beginning.
SETTLED = _SINCE_FIRST[-1]
_BELIEVED = Outcome(verdict=Verdict.DONE)


def not_yet(
    event: LoggedEvent, now: datetime, *, at_last: Outcome, detail: str = NOT_YET, fresh: timedelta = FRESH
) -> Outcome:
    """Decide about an event for which Cobalt shows nothing: look again a few times before that is believed.

    Args:
        event: the event.
        now: when this attempt began.
        at_last: the outcome once it is believed.
        detail: why the event waits until then.
        fresh: the age at which an event's first look is believed.
    """
    is_early = event.due_at is not None and event.due_at > now  # another event brought us here
    is_old = now - event.recorded_at >= fresh
    if is_early and not is_old:
        return Outcome(verdict=Verdict.SNOOZE, delay=None, detail=detail)
    if is_old or event.looks >= len(LOOKS):
        return at_last
    delay = timedelta(seconds=LOOKS[event.looks])
    return Outcome(verdict=Verdict.SNOOZE, delay=delay, looked=True, detail=detail)


def look_later(events: Sequence[LoggedEvent], now: datetime, *, detail: str) -> dict[Key, Outcome] | None:
    """Put off events because answers contradict each other, each until its next look. One that waits for its look
    already makes none of it because another event brought us here.

    Args:
        events: the events that wait.
        now: when this attempt began.
        detail: why they wait.

    Returns:
        Their outcomes; None: one of them was looked at often enough, so that the answer counts.
    """
    later = {event.key: not_yet(event, now, at_last=_BELIEVED, detail=detail, fresh=timedelta.max) for event in events}
    return None if _BELIEVED in later.values() else later


def looks_soon(event: LoggedEvent, now: datetime) -> bool:
    """Tell whether an event is looked at now or after the wait between two looks: it does not wait for a retry."""
    return event.due_at is None or event.due_at - now <= timedelta(seconds=LOOKS[-1])


def next_look_of_check(check: Check | None) -> timedelta | None:
    """Return how long a check waits for its next look; None: no check asks, or it looked often enough."""
    return None if check is None or check.looks >= len(LOOKS) else timedelta(seconds=LOOKS[check.looks])


def next_look(since: datetime, now: datetime) -> timedelta | None:
    """Return how long to wait for the next look at something that was first denied at `since`; None: it is believed."""
    age = now - since
    return next((after - age for after in _SINCE_FIRST if after > age), None)


def believe_application_gone(outcome: Outcome, *, is_shown: bool) -> Outcome:
    """Decide about an event whose application Cobalt has denied for long enough.

    Args:
        outcome: its outcome if that is believed.
        is_shown: whether the catalogue shows the application, or another answer of this attempt: then one of Cobalt's
            answers is wrong, which is tried again like any failure, until they agree.
    """
    if not is_shown:
        return outcome
    detail = f"Cobalt shows this application in one answer, and denies it in another: {outcome.detail}"
    return replace(outcome, verdict=Verdict.RETRY, move=Move.PROVIDER, detail=detail)


def is_outage(denial: Denial, share: float) -> bool:
    """Tell whether Cobalt denies so many accounts at once that an outage is likelier than their deletion.

    Args:
        denial: how many it denies, and how many there are.
        share: the greatest share of all accounts that may be gone at once.
    """
    return denial.denied > FEW_DENIED and denial.denied > share * denial.accounts
