"""What becomes of an event: the named outcomes, and the one table that turns an error into one."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from cobalt_mirror import cobalt
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.errors import AccountGone, OutOfTime


class Verdict(StrEnum):
    """How an attempt ends for one event."""

    DONE = "done"
    SUPERSEDED = "superseded"
    RETRY = "retry"
    SNOOZE = "snooze"
    DEAD = "dead"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an attempt made of one event.

    Attributes:
        verdict: the name of the outcome.
        detail: a sentence for whoever asks why.
        move: who has to act; None: nobody.
        delay: for a snooze, how long; None leaves the event's due time as it is.
        looked: a snooze that counts as one of the looks at an authorisation that Cobalt does not show yet.
        alone: try the event without its neighbours, for they were refused together.
        response: what Cobalt answered, if that was an error in its own words; without secrets.
    """

    verdict: Verdict
    detail: str | None = None
    move: Move | None = None
    delay: timedelta | None = None
    looked: bool = False
    alone: bool = False
    response: Mapping[str, Any] | None = None


DONE = Outcome(verdict=Verdict.DONE)


def superseded(detail: str) -> Outcome:
    """The event asks for nothing any more."""
    return Outcome(verdict=Verdict.SUPERSEDED, detail=detail)


def outcome_of(error: Exception, type_: EventType | None) -> Outcome:
    """What becomes of an event of this type that ended in this error, with what Cobalt answered."""
    outcome = _verdict_of(error, type_)
    return replace(outcome, response=error.as_json()) if isinstance(error, cobalt.ResponseError) else outcome


def _verdict_of(error: Exception, type_: EventType | None) -> Outcome:  # noqa: PLR0911 - it is a table
    """The table from error to outcome. `KeyRefused` must have been probed before: here one application is at fault."""
    detail = str(error)[:1000] or type(error).__name__
    match error:
        case OutOfTime():
            return Outcome(verdict=Verdict.SNOOZE, detail="the lease ran short", delay=timedelta())
        case cobalt.RateLimited():
            seconds = 1.0 if error.retry_after_seconds is None else error.retry_after_seconds
            return Outcome(verdict=Verdict.SNOOZE, detail=detail, delay=timedelta(seconds=seconds))
        case AccountGone():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR)
        case cobalt.UnknownApplication():
            return Outcome(verdict=Verdict.DEAD, detail=f"no such application: {detail}", move=Move.OPERATOR)
        case cobalt.KeyRefused() | cobalt.InvalidIdentifier():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR)
        case cobalt.CredentialsRefused():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.CUSTOMER)
        case cobalt.Refused() if error.status != 409:
            move = Move.CUSTOMER if type_ is EventType.CONFIG_CHANGED else Move.OPERATOR
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=move)
        case CannotUnseal():
            return Outcome(verdict=Verdict.RETRY, detail=detail, move=Move.OPERATOR)
        case cobalt.CobaltError():  # no answer, a wrong one, 5xx, or the ground moved under a write
            return Outcome(verdict=Verdict.RETRY, detail=detail, move=Move.PROVIDER)
        case _:  # ours: a bug, or our database
            return Outcome(verdict=Verdict.RETRY, detail=f"{type(error).__name__}: {detail}", move=Move.OPERATOR)


def backoff(
    attempts: int, *, base_seconds: float, cap_seconds: float, chance: Callable[[], float] = random.random
) -> timedelta:
    """How long to wait after the `attempts`-th failure: full jitter below a ceiling that doubles up to the cap."""
    ceiling = min(cap_seconds, base_seconds * 2.0 ** min(attempts, 40))
    return timedelta(seconds=max(min(base_seconds, ceiling) / 4, chance() * ceiling))
