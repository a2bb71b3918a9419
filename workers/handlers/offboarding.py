"""What is done about a deletion: delete at Cobalt, see that it is gone, look once more later, forget the person."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from cobalt_mirror.cobalt import CobaltError, UnexpectedAnswer, UnknownAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.deletions import (
    ACCOUNT_DELETED,
    Deletion,
    bury,
    find_life,
    record_deletion,
    strip_events,
    strip_hints,
)
from cobalt_mirror.db.mirror import Because
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import UserDeleted
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.job import Job, WantedCheck
from cobalt_mirror.workers.outcomes import Outcome, Verdict, outcome_of, superseded

log = structlog.get_logger()


def offboard(job: Job) -> list[Entry]:
    """Carry out the last of the waiting deletions; the others are in it. Nothing waits: no call.

    Returns:
        The sign-ups that can be carried out now.
    """
    waiting = job.waiting()
    asked = [entry for entry in waiting if isinstance(entry.event, UserDeleted)]
    sign_ups = [entry for entry in waiting if not isinstance(entry.event, UserDeleted)]
    if not asked:
        return _once_settled(job, sign_ups)
    last = asked[-1]
    if any(_began_after(entry, last) for entry in job.done):
        job.finish(asked, Outcome(verdict=Verdict.DEAD, detail=_TOO_LATE, move=Move.OPERATOR))
        return sign_ups
    newer = [entry for entry in sign_ups if _began_after(entry, last)]
    try:
        _delete(job)
    except CobaltError as error:
        if outcome_of(error, last.event.type).verdict is Verdict.DEAD:  # the account stays, so the sign-ups count
            wait = timedelta(seconds=job.settings.retry_base_seconds)
            job.finish(sign_ups, Outcome(verdict=Verdict.SNOOZE, delay=wait, detail="it waits for the deletion"))
        raise
    job.finish([entry for entry in waiting if not _began_after(entry, last)], superseded(ACCOUNT_DELETED))
    job.finish([last])
    job.new_receipt = _receipt(job, last)
    job.buries = True
    job.account = {"linked_account_id": job.account_id, "status": "deleted"}
    _look_once_more(job)
    return _once_settled(job, newer)


_TOO_LATE = (
    "a newer user_signed_up is done already, so the account at Cobalt may be the new customer's and is left alone; "
    "if it has to go all the same, publish user_deleted anew"
)


def _began_after(entry: Entry, deletion: Entry) -> bool:
    return not isinstance(entry.event, UserDeleted) and entry.logged.occurred_at > deletion.logged.occurred_at


def _receipt(job: Job, entry: Entry) -> Deletion:
    row = entry.logged
    settles_at = job.now + _delay(job) if job.is_in_doubt else None
    return Deletion(
        linked_account_id=job.account_id,
        source=row.source,
        event_id=row.id,
        occurred_at=row.occurred_at,
        gone_at=job.now,
        settles_at=settles_at,
    )


def _delete(job: Job) -> None:
    """Delete, and believe only a read."""
    with suppress(UnknownAccount):  # just as wanted
        job.ask(job.client.delete_account, job.account_id)
    if _is_alive(job):
        raise UnexpectedAnswer("Cobalt still shows the account right after deleting it")


def _is_alive(job: Job) -> bool:
    try:
        job.ask(job.client.fetch_account, job.account_id)
    except UnknownAccount:
        return False
    return True


def _once_settled(job: Job, sign_ups: list[Entry]) -> list[Entry]:
    """A new life waits until no write of the old one can land in it any more."""
    receipt = job.receipt if job.new_receipt is None else job.new_receipt
    settles_at = receipt.settles_at if receipt is not None and job.is_deleted else None
    if settles_at is None or settles_at <= job.now:
        return sign_ups
    detail = "a write to the deleted account may still land at Cobalt"
    job.finish(sign_ups, Outcome(verdict=Verdict.SNOOZE, delay=settles_at - job.now, detail=detail))
    return []


# --- looking again ----------------------------------------------------------------------------------------------------


def _delay(job: Job) -> timedelta:
    return timedelta(seconds=job.settings.delayed_write_seconds)


def _look_once_more(job: Job) -> None:
    job.checks.append(WantedCheck(slug="", delay=_delay(job), reason="a second look whether the account stays deleted"))


def check_deleted(job: Job) -> bool:
    """Look again at a deleted account, if a check is due.

    Found alive before the second look was made, it was a delayed write: deleted again. Found alive later, somebody at
    Cobalt made it anew: it stays deleted here, for only a sign-up begins a new life, and the receipt says so.

    Returns:
        Whether that was the check's concern; False: the account lives.
    """
    receipt = job.receipt
    if job.check is None or receipt is None:
        return False
    if not job.is_deleted:
        if receipt.confirmed_at is None and receipt.note is None:
            job.new_receipt = replace(
                receipt, note="not looked at a second time: a newer user_signed_up began a new life"
            )
        return False
    is_alive, is_second = _is_alive(job), job.now >= receipt.gone_at + _delay(job)
    if receipt.confirmed_at is not None:
        if is_alive and not job.pending:
            log.warning("deleted_account_lives", account=job.account_id)
            job.new_receipt = replace(receipt, note=f"{_MADE_ANEW} ({stored_time(job.now)})")
    elif is_alive:
        _delete(job)
        job.new_receipt = replace(receipt, gone_at=job.now)
        _look_once_more(job)
    elif is_second:
        job.new_receipt = replace(receipt, confirmed_at=job.now)
    return True


_MADE_ANEW = (
    "Cobalt has an account of this id again that no user_signed_up asked for; publish user_deleted to delete it, "
    "or user_signed_up to keep it"
)


# --- connections ------------------------------------------------------------------------------------------------------


def account_goes_first(job: Job) -> bool:
    """Whether a connection has to wait, because its account is being deleted, has been, or is about to be made anew."""
    if job.account_due_at is not None:
        delay = max(job.account_due_at - job.now, timedelta(seconds=1))
        detail = "it waits for what happened to the account itself"
        job.finish(job.waiting(), Outcome(verdict=Verdict.SNOOZE, delay=delay, detail=detail))
        if job.check is not None:
            job.check_waits = WantedCheck(slug=job.slug, delay=delay, reason=detail)
        return True
    if job.is_deleted and job.check is not None:  # a hint that something happened there: see whether it still is gone
        job.checks.append(WantedCheck(slug="", delay=timedelta(), reason=job.check.reason))
    return job.is_deleted


# --- save -------------------------------------------------------------------------------------------------------------


def record_offboarding(connection: Connection, job: Job, now: datetime) -> None:
    """Write the receipt, and take out whatever is personal of a life that is over."""
    if job.over:
        strip_events(connection, [row.key for row in job.over], at=now, vault=job.settings.vault())
    if job.new_receipt is not None:
        record_deletion(connection, _dated(job.new_receipt, job.now, now))
    if job.buries and (life := find_life(connection, job.account_id)) is not None:
        cause = {"source": life.deletion.source, "id": life.deletion.event_id}
        bury(connection, life, Because(at=now, cause={"events": [cause]}), job.settings.vault())
    elif job.is_deleted:
        strip_hints(connection, job.account_id)


def _dated(receipt: Deletion, began: datetime, now: datetime) -> Deletion:
    """What this attempt found was found after its beginning: a receipt must not be dated too early."""
    gone_at = now if receipt.gone_at == began else receipt.gone_at
    return replace(
        receipt, gone_at=gone_at, confirmed_at=now if receipt.confirmed_at == began else receipt.confirmed_at
    )
