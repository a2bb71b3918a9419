"""How an attempt ended, for those who watch: in closed sets of words, so without any id."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cobalt_mirror.cobalt.templates import template_of
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.outcomes import EventUpdate
from cobalt_mirror.db.statuses import EventStatus, Move
from cobalt_mirror.events import EVENT_TYPES

#: The type of an event whose type no release of ours knows: a host may write any word.
UNKNOWN = "unknown"
#: The type of a check, which is no event.
CHECK = "check"
#: What became of the events of an attempt that an error of ours ended as a whole.
FAILED = "failed"


#: What an error of Cobalt's client begins with.
_CALL = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*): ")
_REQUEST_ID = re.compile(r" \(request_id [^)]*\)")
#: Quoted text; an apostrophe follows a letter.
_OF_OTHERS = re.compile(r"\"[^\"]*(\"|$)|(?<!\w)'[^']*('|$)")
#: In characters. Sentry cuts a tag to as many.
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended for one event, or for a check.

    Attributes:
        type: of the event, `unknown` or `check`.
        outcome: a status, `retry`, `snooze`, or `failed`: an error of ours ended the attempt as a whole.
        seconds: from when the event was received to now; only of an event that is done.
    """

    type: str
    outcome: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The first event that is dead for a reason.

    Attributes:
        type: of the event, or `unknown`.
        slug: the application; empty: the account itself.
        reason: in our words only, without what Cobalt or a host wrote.
        move: who has to act.
    """

    type: str
    slug: str
    reason: str
    move: Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an attempt is about.

    Attributes:
        account_id: the linked account.
        slug: the application; empty: the account itself.
        attempt: the attempt's id.
        number: of the events.
        traceparents: of each event that was published in a span: its id, and the span.
    """

    account_id: str
    slug: str
    attempt: str
    number: int
    traceparents: Sequence[tuple[str, str]]


def known_type(word: str) -> str:
    """Return the type of an event, or `unknown`."""
    return word if word in EVENT_TYPES else UNKNOWN


def plain_reason(detail: str) -> str:
    """Return a reason without ids and the words of others: quoted text, Cobalt's id of the request, ids in a path."""
    call = _CALL.match(detail)
    named = "" if call is None else f"{call['method']} {template_of(call['path'])}: "
    words = _OF_OTHERS.sub("…", _REQUEST_ID.sub("", detail[0 if call is None else call.end() :]))
    return f"{named}{words}"[:_LONGEST_REASON]


def core_of_reason(detail: str) -> str:
    """Return what is the same in a reason for every event that has it: up to the first words of others."""
    call = _CALL.match(detail)
    words = detail[0 if call is None else call.end() :]
    places = [found.start() for pattern in (_OF_OTHERS, _REQUEST_ID) if (found := pattern.search(words)) is not None]
    return words[: min(places, default=len(words))]


def outcome_of_update(update: EventUpdate) -> str:
    """Return what became of an event: a status, `retry`, or `snooze`."""
    status = update.columns.get("status")
    if status is not None:
        return str(EventStatus(status))
    return "retry" if "retrying_since" in update.columns else "snooze"


def endings_of(events: Sequence[LoggedEvent], updates: Sequence[EventUpdate]) -> list[Ending]:
    """Return how an attempt ended for each event that it decided about.

    Args:
        events: what was loaded.
        updates: what was written of them.
    """
    by_key = {event.key: event for event in events}
    return [_ending(by_key[update.key], update) for update in updates if update.key in by_key]


def _ending(event: LoggedEvent, update: EventUpdate) -> Ending:
    outcome = outcome_of_update(update)
    seconds = None
    if outcome == EventStatus.DONE:  # the two times are of the database's clock
        seconds = max((update.columns["finished_at"] - event.recorded_at).total_seconds(), 0.0)
    return Ending(type=known_type(event.type), outcome=outcome, seconds=seconds)
