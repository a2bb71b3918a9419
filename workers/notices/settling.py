"""Whether a notice is sent now, later or never: a failure when it has lasted, a recovery if the failure was told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from cobalt_mirror.db.feed_entries import NOT_KNOWN, Link
from cobalt_mirror.db.notices import Around, NoticeRow
from cobalt_mirror.db.statuses import ChangeType, ConnectionStatus


@dataclass(frozen=True, slots=True)
class Tell:
    """It is sent now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It is decided later."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """It is never sent."""

    because: str


Decision: TypeAlias = Tell | Wait | Skip

#: The types about which it takes more than the notice itself to decide.
SETTLING = frozenset({ChangeType.CONNECTION_REAUTH_REQUIRED, ChangeType.CONNECTION_RECOVERED})


def due_at(type_: ChangeType, recorded_at: datetime, *, settle: timedelta) -> datetime:
    """Return when it is decided whether the notice of an entry is sent."""
    return recorded_at + settle if type_ is ChangeType.CONNECTION_REAUTH_REQUIRED else recorded_at


def decide(notice: NoticeRow, around: Around, *, now: datetime, settle: timedelta) -> Decision:
    """Decide about a notice that is due.

    Args:
        notice: the notice.
        around: what the mirror and earlier notices say, for a type in `SETTLING`.
        now: the time.
        settle: how long a connection has to fail before a notice of that is sent.
    """
    if notice.type is ChangeType.CONNECTION_REAUTH_REQUIRED:
        return _decide_failure(notice, around, now=now, settled_at=notice.recorded_at + settle)
    if notice.type is ChangeType.CONNECTION_RECOVERED:
        return _decide_recovery(notice, around, now=now)
    return Tell()


def _decide_failure(notice: NoticeRow, around: Around, *, now: datetime, settled_at: datetime) -> Decision:
    if not any(
        status is ConnectionStatus.REAUTH_REQUIRED and _may_be_same(link, notice.link)
        for link, status in around.mirror.items()
    ):
        return Skip("it did not last")
    if any(_may_be_same(link, notice.link) for link in around.failed_again):
        return Skip("it ended and began anew, which a later notice tells")
    return Tell() if now >= settled_at else Wait(settled_at)


def _decide_recovery(notice: NoticeRow, around: Around, *, now: datetime) -> Decision:
    failure = next((each for each in around.earlier if _may_be_same(each.link, notice.link)), None)
    if failure is None or not failure.told:
        return Skip("the failure was not told")
    if failure.taken_until is not None and failure.taken_until > now:  # so that they do not arrive in another order
        return Wait(failure.taken_until)
    return Tell()


def _may_be_same(one: Link, other: Link) -> bool:
    """Return whether two notes may be about the same connected account: the listing does not tell them apart."""
    return one == other or NOT_KNOWN in (one, other)
