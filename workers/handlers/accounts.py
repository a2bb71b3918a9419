"""What is done about an account itself: a deletion ends it; sign-ups become one upsert; a check reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from cobalt_mirror.cobalt import LinkedAccount, Refused, UnknownAccount
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.errors import AccountGone
from cobalt_mirror.workers.handlers.access import Caller, Reader
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.folding import FoldedSignUp, fold_sign_ups
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.offboarding import check_deleted, offboard
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded

T = TypeVar("T")


def handle_account(loaded: Loaded, cobalt: Caller, findings: Findings) -> None:
    """Carry out the pending deletion and sign-ups of an account, or read it if only a check asks."""
    is_read = check_deleted(loaded, cobalt, findings)
    entries = offboard(loaded, cobalt, findings)
    if entries:
        _sign_up_together(loaded, cobalt, findings, entries)
    if loaded.check is not None and not (is_read or findings.changes):
        read_account(cobalt, findings)


def read_account(cobalt: Reader, findings: Findings) -> None:
    """Read an account for its own sake. One that was deleted here is left alone."""
    if findings.is_deleted:
        return
    current = _find(cobalt)
    if current is not None:
        findings.found_account(current, environment=cobalt.environment)
    elif findings.account is not None and findings.account.status is AccountStatus.ACTIVE:
        findings.account_missing()


def with_account(cobalt: Caller, findings: Findings, call: Callable[[], T]) -> T:
    """Call Cobalt; if it does not know the account because no event signed it up, create it and call again.

    Raises:
        AccountGone: the mirror knows the account, so it was deleted at Cobalt; only a sign-up makes it anew.
    """
    try:
        return call()
    except UnknownAccount as error:
        if findings.has_account:
            findings.account_missing()
            raise AccountGone(
                "Cobalt no longer has this account; if it was deleted by mistake, publish user_signed_up for it"
            ) from error
    findings.found_account(cobalt.upsert_account(), environment=cobalt.environment)
    return call()


def _sign_up_together(loaded: Loaded, cobalt: Caller, findings: Findings, entries: Sequence[Entry]) -> None:
    fold = fold_sign_ups(entries, loaded.done)
    if not fold.parts:
        findings.finish(entries, superseded("a later user_signed_up is done already"))
        return
    try:
        _sign_up(cobalt, findings, fold)
    except Refused:
        if len(entries) == 1:
            raise
        findings.finish(entries, Outcome(verdict=Verdict.SNOOZE, delay=None, alone=True))
        return
    findings.finish_folded(entries, fold.parts)


def _sign_up(cobalt: Caller, findings: Findings, fold: FoldedSignUp) -> None:
    """Upsert. What the events leave out is read first, for Cobalt does not document whether an upsert keeps or clears
    what it is not given; also where the mirror has no such account, for Cobalt may have had it before the mirror."""
    name, udf = fold.name, fold.udf
    if (name is None or udf is None) and not findings.erases_account:  # a moment ago it was read that there is none
        current = _find(cobalt)
        if current is not None:
            name = current.name if name is None else name
            udf = _texts(current.udf) if udf is None else udf
            if not fold.auth_credentials and (name, udf) == (current.name, _texts(current.udf)):
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
