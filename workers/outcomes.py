"""The outcomes of an attempt at an event, and the one table that maps errors to outcomes."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from cobalt_mirror import cobalt
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.statuses import Move, Unseen
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.errors import AccountDenied, AccountGone, OutOfTime
from cobalt_mirror.workers.settings import Settings


class Verdict(StrEnum):
    """The name of an outcome."""

    DONE = "done"
    SUPERSEDED = "superseded"
    RETRY = "retry"
    SNOOZE = "snooze"
    DEAD = "dead"
    HALTED = "halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of an attempt for one event.

    Attributes:
        verdict: The name of the outcome.
        detail: A sentence that explains it.
        move: Who must act; None if no action is needed.
        delay: For a snooze, how long; None leaves the event's due time as it is.
        looked: Whether a snooze counts as one of the looks at what Cobalt does not show yet.
        alone: Whether to try the event by itself next, because it was refused together with others.
        response: Cobalt's answer, if it was an error of its own, without secrets.
        unseen: Of an event that ends: what Cobalt did not show. If a read shows it later, the event is carried out.
    """

    verdict: Verdict
    detail: str | None = None
    move: Move | None = None
    delay: timedelta | None = None
    looked: bool = False
    alone: bool = False
    response: Mapping[str, Any] | None = None
    unseen: Unseen | None = None


DONE = Outcome(verdict=Verdict.DONE)


def superseded(detail: str) -> Outcome:
    """Return the outcome of an event that later events or reads made unnecessary."""
    return Outcome(verdict=Verdict.SUPERSEDED, detail=detail)


#: What is said of a refused call when the probe has shown that the key is accepted: it must not blame the key.
_ONLY_HERE = "Cobalt refuses this call, although it accepts the key for others"


def outcome_of(error: Exception, type_: EventType | None) -> Outcome:
    """Return the outcome of an event of this type after an error, with Cobalt's answer."""
    outcome = _verdict_of(error, type_)
    if outcome.verdict is Verdict.DEAD and is_tried_for_ever(error, type_):
        outcome = replace(outcome, verdict=Verdict.RETRY)
    return replace(outcome, response=error.as_json()) if isinstance(error, cobalt.ResponseError) else outcome


def is_tried_for_ever(error: Exception, type_: EventType | None) -> bool:
    """Return whether an event is never given up after Cobalt's answer: a person was promised to be deleted."""
    return type_ is EventType.USER_DELETED and isinstance(error, cobalt.ResponseError)


def _verdict_of(error: Exception, type_: EventType | None) -> Outcome:  # noqa: C901, PLR0911 - it is a table
    """Map an error to an outcome. A `KeyRefused` that reaches this was probed before: only one application refuses."""
    detail = str(error).replace(cobalt.KeyRefused.meaning, _ONLY_HERE)[:1000] or type(error).__name__
    match error:
        case OutOfTime():
            return Outcome(
                verdict=Verdict.SNOOZE,
                detail="the lease was too short for another call; the next attempt does the rest",
                delay=timedelta(),
            )
        case cobalt.RateLimited():
            seconds = 1.0 if error.retry_after_seconds is None else error.retry_after_seconds
            return Outcome(verdict=Verdict.SNOOZE, detail=detail, delay=timedelta(seconds=seconds))
        case AccountDenied() if error.delay is not None:
            return Outcome(verdict=Verdict.SNOOZE, detail=detail, delay=error.delay)
        case AccountDenied():
            return Outcome(verdict=Verdict.RETRY, detail=detail, move=Move.PROVIDER)
        case AccountGone():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR, unseen=Unseen.ACCOUNT)
        case cobalt.UnknownApplication():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR, unseen=Unseen.APPLICATION)
        case cobalt.KeyRefused() | cobalt.InvalidIdentifier():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.OPERATOR)
        case cobalt.CredentialsRefused():
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=Move.CUSTOMER)
        case cobalt.Refused() if error.status != 409:
            move = Move.CUSTOMER if type_ is EventType.CONFIG_CHANGED else Move.OPERATOR
            return Outcome(verdict=Verdict.DEAD, detail=detail, move=move)
        case CannotUnseal():
            return Outcome(verdict=Verdict.RETRY, detail=detail, move=Move.OPERATOR)
        case cobalt.CobaltError():  # no answer, an unexpected one, 5xx, or a write in conflict with another
            return Outcome(verdict=Verdict.RETRY, detail=detail, move=Move.PROVIDER)
        case _:  # a bug, or our database
            return Outcome(verdict=Verdict.RETRY, detail=f"{type(error).__name__}: {detail}", move=Move.OPERATOR)


#: How long to wait after a failure: `backoff`, or what a test has in its place.
Backoff: TypeAlias = Callable[..., timedelta]


def backoff(
    attempts: int, *, base_seconds: float, cap_seconds: float, chance: Callable[[], float] = random.random
) -> timedelta:
    """Return the wait after the `attempts`-th failure: full jitter below a ceiling that doubles up to the cap."""
    ceiling = min(cap_seconds, base_seconds * 2.0 ** min(attempts, 40))
    return timedelta(seconds=max(min(base_seconds, ceiling) / 4, chance() * ceiling))


def wait_after(attempts: int, settings: Settings, backoff: Backoff) -> timedelta:
    """Return how long to wait after so many attempts."""
    return backoff(attempts, base_seconds=settings.retry_base_seconds, cap_seconds=settings.retry_cap_seconds)
