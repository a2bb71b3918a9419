"""What is done about an account itself: a deletion ends it; sign-ups become one upsert; a check reads it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from cobalt_mirror.cobalt import LinkedAccount, Refused, UnexpectedAnswer, UnknownAccount
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.statuses import AccountStatus, Expected, Unseen
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.errors import AccountGone
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.denied import wait_while_denied
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import FoldedSignUp, fold_sign_ups
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import FRESH, look_later, next_look_of_check
from cobalt_mirror.workers.handlers.offboarding import check_deleted, offboard
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded

T = TypeVar("T")
_OLDER = "Cobalt's answer seems to be older than what was read or written last"


def handle_account(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Carry out the pending deletion and sign-ups of an account, or read it if only a check asks."""
    is_read = check_deleted(loaded, cobalt, findings)
    entries = offboard(loaded, cobalt, findings)
    if entries:
        _sign_up_together(loaded, cobalt, findings, entries)
    if loaded.check is not None and not (is_read or findings.changes):
        read_account(cobalt, findings, is_expected=loaded.check.expects is Expected.GONE)


def read_account(cobalt: Reader, findings: Findings, *, is_expected: bool = False) -> None:
    """Read an account for its own sake. One that was deleted here is left alone.

    Args:
        cobalt: the right to read.
        findings: what to change.
        is_expected: whether the account is expected to be missing, as Cobalt's listing does not show it: then this read
            is the second that says so.

    Raises:
        AccountDenied: Cobalt says that it does not have the account, which is not believed yet.
    """
    if findings.is_deleted:
        return
    current = _find(cobalt)
    if current is not None and is_older(current, findings.account, now=findings.loaded.now):
        findings.is_denied = False
        findings.looks_again = next_look_of_check(findings.loaded.check)
        if findings.looks_again is not None:
            return  # what it says would be taken for what Cobalt has by a sign-up that leaves the name out
    if current is not None:
        findings.saw_account(current, environment=cobalt.environment)
    elif findings.account is not None and findings.account.status is AccountStatus.ACTIVE:
        believe_or_wait(findings, is_expected=is_expected)
    elif findings.account is None:  # another answer had it
        findings.looks_again = next_look_of_check(findings.loaded.check)


def believe_or_wait(findings: Findings, *, is_expected: bool = False) -> None:
    """Note that Cobalt says that it does not have an active account: missing, once it was looked at for long enough.

    Raises:
        AccountDenied: It is not believed yet.
    """
    wait_while_denied(findings, is_expected=is_expected)
    findings.account_missing()


def look_for_account(cobalt: Reader, findings: Findings) -> bool:
    """Look for the account itself after a call about it was told that there is none. Return whether Cobalt has it."""
    current = _find(cobalt)
    if current is None:
        return False
    if is_older(current, findings.account, now=findings.loaded.now):
        findings.is_denied = False
        findings.seen.add(Unseen.ACCOUNT)
        findings.want_check("", reason=_OLDER)
    else:
        findings.saw_account(current, environment=cobalt.environment)
    return True


def with_account(cobalt: Caller, findings: Findings, call: Callable[[], T]) -> T:
    """Call Cobalt; if it does not know the account because no event signed it up, create it and call again.

    Raises:
        AccountDenied: the mirror knows the account, and Cobalt says that it does not, which is not believed yet.
        AccountGone: the mirror knows the account, so it was deleted at Cobalt; only a sign-up makes it anew.
        UnexpectedAnswer: Cobalt shows the account in one answer and not in another. Try again later.
    """
    try:
        answer = call()
    except UnknownAccount as error:
        if not look_for_account(cobalt, findings):
            if findings.has_account:
                if findings.account is None or findings.account.status is not AccountStatus.MISSING:
                    believe_or_wait(findings)
                raise AccountGone(
                    "Cobalt no longer has this account; if it was deleted by mistake, publish user_signed_up for it"
                ) from error
            findings.found_account(cobalt.upsert_account(), environment=cobalt.environment)
    else:
        findings.is_denied = False
        return answer
    return call_known(call)


def call_known(call: Callable[[], T]) -> T:
    """Call Cobalt about an account that it has just shown.

    Raises:
        UnexpectedAnswer: This answer says that there is no such account.
    """
    try:
        return call()
    except UnknownAccount as error:
        raise UnexpectedAnswer("Cobalt shows the account in one answer, and not in another") from error


def _sign_up_together(loaded: Loaded, cobalt: Caller, findings: Findings, entries: Sequence[Entry]) -> None:
    fold = fold_sign_ups(entries, loaded.done)
    if not fold.parts:
        findings.finish(entries, superseded("a later user_signed_up is done already"))
        return
    current = None
    is_replayed = any(entry.logged.operator is not None for entry in entries)
    # Cobalt does not document whether an upsert keeps or clears what it is not given. Right after a deletion there is
    # nothing to keep.
    if (fold.name is None or fold.udf is None or is_replayed) and not findings.erases_account:
        current = _find(cobalt)
        if is_older(current, loaded.account, now=loaded.now):
            later = look_later([entry.logged for entry in entries], loaded.now, detail=_OLDER)
            if later is not None:
                findings.outcomes.update(later)
                return
    try:
        _sign_up(cobalt, findings, fold, current)
    except Refused:
        if len(entries) == 1:
            raise
        findings.finish(entries, Outcome(verdict=Verdict.SNOOZE, delay=None, alone=True))
        return
    findings.finish_folded(entries, fold.parts)
    if loaded.account is not None and loaded.account.status is AccountStatus.MISSING:
        findings.want_check("", reason="Cobalt has the account again")


def is_older(current: LinkedAccount | None, mirrored: AccountRow | None, *, now: datetime) -> bool:
    """Tell whether a read is probably older than the mirror: it denies an active account, or contradicts what the
    mirror learned a moment ago.

    Args:
        current: the account as the read shows it; None: it shows none.
        mirrored: the mirror's row; None: there is none.
        now: the time.
    """
    if mirrored is None:
        return False
    if current is None:
        return mirrored.status is AccountStatus.ACTIVE
    if mirrored.verified_at is None or now - mirrored.verified_at >= FRESH:
        return False
    if mirrored.status is AccountStatus.DELETED:
        return True
    is_as_shown = (current.name, _texts(current.udf)) == (mirrored.name, _texts(mirrored.udf))
    return mirrored.status is AccountStatus.ACTIVE and not is_as_shown


def _sign_up(cobalt: Caller, findings: Findings, fold: FoldedSignUp, current: LinkedAccount | None) -> None:
    """Upsert. What the events leave out stays as Cobalt has it; if it has no such account any more, as it was."""
    name, udf = fold.name, fold.udf
    before = findings.account if current is None and not findings.erases_account else current
    if before is not None:
        name = before.name if name is None else name
        udf = _texts(before.udf) if udf is None else udf
    if current is not None and not fold.auth_credentials and (name, udf) == (current.name, _texts(current.udf)):
        findings.found_account(current, environment=cobalt.environment)
        return
    answer = cobalt.upsert_account(name=name, udf=udf, auth_credentials=fold.auth_credentials)
    findings.found_account(answer, environment=cobalt.environment)


def _find(cobalt: Reader) -> LinkedAccount | None:
    try:
        return cobalt.fetch_account()
    except UnknownAccount:
        return None


def _texts(udf: Mapping[str, Any] | None) -> dict[str, str] | None:
    return None if udf is None else {name: str(value) for name, value in udf.items() if value is not None}
