"""What is done about a deletion: delete at Cobalt, see that it is gone, look once more later, forget the person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from cobalt_mirror.cobalt import CobaltError, UnexpectedAnswer, UnknownAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.deletions import Deletion, record_deletion
from cobalt_mirror.db.erasure import ACCOUNT_DELETED, erase_account, erase_events, erase_hints
from cobalt_mirror.db.generations import find_generation
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.statuses import AccountStatus, Move
from cobalt_mirror.events import EventType, UserDeleted
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.denied import wait_while_denied
from cobalt_mirror.workers.handlers.findings import Findings, WantedCheck
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.outcomes import Outcome, Verdict, outcome_of, superseded

log = structlog.get_logger()


def offboard(loaded: Loaded, cobalt: Caller, findings: Findings) -> list[Entry]:
    """Carry out the last of the waiting deletions; the others are in it. Nothing waits: no call.

    Returns:
        The sign-ups that can be carried out now.
    """
    waiting = findings.waiting()
    deletions = [entry for entry in waiting if isinstance(entry.event, UserDeleted)]
    sign_ups = [entry for entry in waiting if not isinstance(entry.event, UserDeleted)]
    if not deletions:
        return _once_settled(loaded, findings, sign_ups)
    last = deletions[-1]
    if any(began_after(entry, last) for entry in loaded.done):
        findings.finish(deletions, Outcome(verdict=Verdict.DEAD, detail=_TOO_LATE, move=Move.OPERATOR))
        return sign_ups
    newer = [entry for entry in sign_ups if began_after(entry, last)]
    try:
        _delete_unless_denied(loaded, cobalt, findings)
    except CobaltError as error:
        if outcome_of(error, EventType.USER_SIGNED_UP).verdict is Verdict.DEAD:  # no sign-up is at fault
            # The deletion is tried again long before, and takes them along.
            wait = timedelta(seconds=loaded.settings.retry_cap_seconds)
            findings.finish(
                sign_ups, Outcome(verdict=Verdict.SNOOZE, delay=wait, detail="waits for the deletion of the account")
            )
        raise
    findings.finish([entry for entry in waiting if not began_after(entry, last)], superseded(ACCOUNT_DELETED))
    findings.finish([last])
    findings.account_deleted(_receipt(loaded, last))
    _look_once_more(loaded, findings)
    return _once_settled(loaded, findings, newer)


_TOO_LATE = (
    "not deleted, as a newer user_signed_up is done already and the account at Cobalt may be the new customer's; "
    "to delete it anyway, publish a new user_deleted"
)


def began_after(entry: Entry, deletion: Entry) -> bool:
    """Tell whether an event began a new generation of the account after a deletion."""
    return not isinstance(entry.event, UserDeleted) and entry.order[:2] > deletion.order[:2]


def _receipt(loaded: Loaded, entry: Entry) -> Deletion:
    row = entry.logged
    settles_at = loaded.now + _delay(loaded) if loaded.is_in_doubt else None
    return Deletion(
        linked_account_id=loaded.account_id,
        source=row.source,
        event_id=row.id,
        occurred_at=row.occurred_at,
        number=row.number,
        gone_at=loaded.now,
        settles_at=settles_at,
    )


def _delete_unless_denied(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Delete. That there was nothing to delete is believed if the mirror says so, too, or a call of ours may have
    deleted it; else it is looked at again.

    Raises:
        AccountDenied: It is not believed yet.
    """
    was_there = _delete(cobalt)
    is_mirrored = findings.account is not None and findings.account.status is AccountStatus.ACTIVE
    if not was_there and is_mirrored and (loaded.denial is not None or not loaded.is_in_doubt):
        wait_while_denied(findings)
    findings.is_denied = False


def _delete(cobalt: Caller) -> bool:
    """Delete, and believe only a read. Return whether Cobalt said that it deleted an account."""
    was_there = True
    try:
        cobalt.delete_account()
    except UnknownAccount:
        was_there = False
    if _is_alive(cobalt):
        raise UnexpectedAnswer("Cobalt still shows the account right after it was deleted")
    return was_there


def _is_alive(cobalt: Reader) -> bool:
    try:
        cobalt.fetch_account()
    except UnknownAccount:
        return False
    return True


def _once_settled(loaded: Loaded, findings: Findings, sign_ups: list[Entry]) -> list[Entry]:
    """Put a new generation off until no write of the old one can land in it any more."""
    receipt = loaded.receipt if findings.receipt is None else findings.receipt
    settles_at = receipt.settles_at if receipt is not None and findings.is_deleted else None
    if settles_at is None or settles_at <= loaded.now:
        return sign_ups
    detail = "waits, as a write to the deleted account may still take effect at Cobalt"
    findings.finish(sign_ups, Outcome(verdict=Verdict.SNOOZE, delay=settles_at - loaded.now, detail=detail))
    return []


# --- looking again ----------------------------------------------------------------------------------------------------


def _delay(loaded: Loaded) -> timedelta:
    return timedelta(seconds=loaded.settings.delayed_write_seconds)


def _look_once_more(loaded: Loaded, findings: Findings) -> None:
    findings.want_check("", delay=_delay(loaded), reason="a second read, to confirm that the account is deleted")


def check_deleted(loaded: Loaded, cobalt: Caller, findings: Findings) -> bool:
    """Look again at a deleted account, if a check is due.

    Found alive before the second look was made, it was a delayed write: deleted again. Found alive later, it was made
    anew at Cobalt: it stays deleted here, for only a sign-up begins a new generation, and the receipt says so.

    Returns:
        Whether that was the check's concern; False: the account lives.
    """
    receipt = loaded.receipt
    if loaded.check is None or receipt is None:
        return False
    if not findings.is_deleted:
        if receipt.confirmed_at is None and receipt.note is None:
            findings.receipt = replace(receipt, note=_NOT_CONFIRMED)
        return False
    is_alive, is_second = _is_alive(cobalt), loaded.now >= receipt.gone_at + _delay(loaded)
    if receipt.confirmed_at is not None:
        if is_alive and not loaded.pending:
            log.warning("deleted_account_exists", account=loaded.account_id)
            findings.receipt = replace(receipt, note=f"{_MADE_ANEW} ({stored_time(loaded.now)})")
    elif is_alive:
        _delete(cobalt)
        findings.receipt = replace(receipt, gone_at=loaded.now)
        _look_once_more(loaded, findings)
    elif is_second:
        findings.receipt = replace(receipt, confirmed_at=loaded.now)
    return True


_NOT_CONFIRMED = "not confirmed by a second read: a newer user_signed_up began a new generation of the account"
_MADE_ANEW = (
    "Cobalt has an account with this id again, without a user_signed_up; publish user_deleted to delete it, "
    "or user_signed_up to keep it"
)


# --- connections ------------------------------------------------------------------------------------------------------


def account_goes_first(loaded: Loaded, findings: Findings) -> bool:
    """Tell whether a connection waits, because its account is being deleted, has been, or is about to be made anew."""
    if loaded.account_due_at is not None:
        delay = max(loaded.account_due_at - loaded.now, timedelta(seconds=1))
        detail = "waits for a pending event of the account itself"
        findings.finish(findings.waiting(), Outcome(verdict=Verdict.SNOOZE, delay=delay, detail=detail))
        if loaded.check is not None:
            findings.check_waits = WantedCheck(slug=loaded.slug, delay=delay, reason=detail)
        return True
    if findings.is_deleted and loaded.check is not None:  # a hint that something happened: see whether it still is gone
        findings.want_check("", reason=loaded.check.reason)
    return findings.is_deleted


# --- save -------------------------------------------------------------------------------------------------------------


def record_offboarding(
    connection: Connection, findings: Findings, *, ended: Sequence[LoggedEvent], now: datetime
) -> None:
    """Write the receipt, and take out what is personal of a generation that is over.

    Args:
        connection: the transaction that saves the attempt.
        findings: what the attempt found.
        ended: pending events of a generation that is over.
        now: the time.
    """
    loaded = findings.loaded
    vault = loaded.settings.vault()
    if ended:
        erase_events(connection, [row.key for row in ended], at=now, vault=vault)
    if findings.receipt is not None:
        record_deletion(connection, dated(findings.receipt, began=loaded.now, now=now))
    if findings.erases_account and (generation := find_generation(connection, loaded.account_id)) is not None:
        cause = {"source": generation.deletion.source, "id": generation.deletion.event_id}
        erase_account(connection, generation, Because(at=now, cause={"events": [cause]}), vault)
    elif findings.is_deleted:
        erase_hints(connection, loaded.account_id)


def dated(receipt: Deletion, *, began: datetime, now: datetime) -> Deletion:
    """Date what this attempt found at its end: a receipt must not be dated too early."""
    gone_at = now if receipt.gone_at == began else receipt.gone_at
    confirmed_at = now if receipt.confirmed_at == began else receipt.confirmed_at
    return replace(receipt, gone_at=gone_at, confirmed_at=confirmed_at)
