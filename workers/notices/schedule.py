"""What follows an attempt at a notice: when the next one is, when it is given up, and what disables an endpoint."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import assert_never

from cobalt_mirror.db.statuses import NoticeStatus, ReceiverKind

_MINUTE, _HOUR = 60.0, 3_600.0
#: Seconds between the attempts: about 75 hours in all, as Standard Webhooks has it.
WAITS = (5.0, 5 * _MINUTE, 0.5 * _HOUR, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
#: Each wait is longer or shorter by up to this part of it, so that what failed together is not sent together again.
_JITTER = 0.1
#: The longest wait that a receiver may ask for, in seconds.
LONGEST_WAIT_SECONDS = 24 * _HOUR
#: An endpoint that took nothing for so long, when a notice is given up, is disabled.
SILENT_FOR = timedelta(days=3)


class Ending(StrEnum):
    """How an attempt ended."""

    TAKEN = "taken"
    #: It was refused or not reached, so the receiver does not have it.
    FAILED = "failed"
    #: No answer came, so the receiver may have it.
    UNANSWERED = "unanswered"
    #: The receiver wants nothing any more.
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an attempt ended.

    Attributes:
        ending: how it ended.
        detail: why it failed; nothing that the receiver wrote.
        retry_after_seconds: after how long the receiver asks for the next one.
    """

    ending: Ending
    detail: str | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How a notice goes on.

    Attributes:
        status: how far it is.
        due_at: when it is sent again; None: it is not.
        told: whether the receiver has it, as far as is known.
        disables: whether its endpoint gets nothing any more.
    """

    status: NoticeStatus
    due_at: datetime | None
    told: bool
    disables: bool = False


def conclude(
    answer: Answer,
    *,
    attempts: int,
    told_before: bool,
    kind: ReceiverKind,
    delivered_at: datetime | None,
    now: datetime,
    chance: Callable[[], float],
) -> Conclusion:
    """Decide how a notice goes on after an attempt.

    Args:
        answer: how it ended.
        attempts: how many attempts there were, this one included.
        told_before: whether the receiver may have had it before this one.
        kind: what the receiver is.
        delivered_at: when the receiver took a notice last; None: never.
        now: the time.
        chance: returns a number from 0 to 1.
    """
    if answer.ending is Ending.TAKEN:
        return Conclusion(status=NoticeStatus.DELIVERED, due_at=None, told=True)
    told = told_before or _may_be_told(answer.ending)
    if answer.ending is Ending.GONE:
        return Conclusion(status=NoticeStatus.FAILED, due_at=None, told=told, disables=True)
    if attempts <= len(WAITS):
        wait = WAITS[attempts - 1] * (1 + _JITTER * (2 * chance() - 1))
        wait = max(wait, min(answer.retry_after_seconds or 0.0, LONGEST_WAIT_SECONDS))
        return Conclusion(status=NoticeStatus.PENDING, due_at=now + timedelta(seconds=wait), told=told)
    is_silent = delivered_at is None or now - delivered_at >= SILENT_FOR
    disables = kind is ReceiverKind.ENDPOINT and is_silent
    return Conclusion(status=NoticeStatus.FAILED, due_at=None, told=told, disables=disables)


def _may_be_told(ending: Ending) -> bool:
    match ending:
        case Ending.TAKEN | Ending.UNANSWERED:
            return True
        case Ending.FAILED | Ending.GONE:
            return False
    assert_never(ending)


def read_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return after how many seconds a header Retry-After asks for the next attempt; None: it does not say."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now=now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _until(date: str, *, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # the latter of a zone that is far off
        return math.nan
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
