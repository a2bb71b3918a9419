"""What is done about an account itself: a deletion ends it; sign-ups become one upsert; a check reads it."""

from collections.abc import Sequence
from typing import Any

from cobalt_mirror.cobalt import LinkedAccount, Refused, UnknownAccount
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.folding import FoldedSignUp, fold_sign_ups
from cobalt_mirror.workers.handlers.job import Job
from cobalt_mirror.workers.handlers.offboarding import check_deleted, offboard
from cobalt_mirror.workers.outcomes import Outcome, Verdict, superseded


def handle_account(job: Job) -> None:
    """Carry out the pending deletion and sign-ups of an account, or read it if only a check asks."""
    is_read = check_deleted(job)
    entries = offboard(job)
    if entries:
        _sign_up_together(job, entries)
    if job.check is not None and not (is_read or job.rows or job.is_deleted):
        _read(job)


def _sign_up_together(job: Job, entries: Sequence[Entry]) -> None:
    fold = fold_sign_ups(entries, job.done)
    if not fold.parts:
        job.finish(entries, superseded("a later sign-up is done already"))
        return
    try:
        _sign_up(job, fold)
    except Refused:
        if len(entries) == 1:
            raise
        job.finish(entries, Outcome(verdict=Verdict.SNOOZE, delay=None, alone=True))
        return
    job.finish_folded(entries, fold.parts)


def _sign_up(job: Job, fold: FoldedSignUp) -> None:
    """Upsert. What the events leave out is read first, for nobody says whether an upsert keeps or clears what it is not
    given; also where the mirror knows no such account, for Cobalt may have had it before there was a mirror."""
    name, udf = fold.name, fold.udf
    if (name is None or udf is None) and not job.buries:  # a moment ago it was read that there is none
        current = _find(job)
        if current is not None:
            name = current.name if name is None else name
            udf = _texts(current.udf) if udf is None else udf
            if not fold.auth_credentials and (name, udf) == (current.name, _texts(current.udf)):
                job.found_account(current)
                return
    job.found_account(
        job.ask(job.client.upsert_account, job.account_id, name=name, udf=udf, auth_credentials=fold.auth_credentials)
    )


def _read(job: Job) -> None:
    current = _find(job)
    if current is not None:
        job.found_account(current)
    elif job.account is not None and job.account["status"] == "active":
        job.rows.append((linked_accounts, {"linked_account_id": job.account_id, "status": "missing"}))


def _find(job: Job) -> LinkedAccount | None:
    try:
        return job.ask(job.client.fetch_account, job.account_id)
    except UnknownAccount:
        return None


def _texts(udf: dict[str, Any] | None) -> dict[str, str] | None:
    return None if udf is None else {name: str(value) for name, value in udf.items() if value is not None}
