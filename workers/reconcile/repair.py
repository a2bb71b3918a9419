"""The repair: read every suspected subject under its account's lease, with the functions that workers use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from sqlalchemy import Connection

from cobalt_mirror.db.checks import Check, find_check, record_check
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.history import find_last_change, list_changed_subjects
from cobalt_mirror.db.listing import find_account_subjects
from cobalt_mirror.db.mirror import find_account_row, find_connection_row
from cobalt_mirror.db.pauses import Pause, list_pauses
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import AccountStatus, Expected, SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.suspicions import Suspicion, count_open, leave_open_ones, list_open, record_suspicions, settle
from cobalt_mirror.workers.errors import WorkHalted
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.handlers.looking import SETTLED
from cobalt_mirror.workers.handlers.pausing import find_pause
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage

log = structlog.get_logger()

#: If a round reads nothing, wait this many seconds and try again.
AGAIN_SECONDS = 5.0
#: At most so many times, which is longer than a connection is looked at again because a read does not show what a
#: notification said, and then its configs because some do not show.
WAITS = 2 + int(2 * SETTLED.total_seconds() / AGAIN_SECONDS)
#: The most attempts at one account; the rest of a busy customer's work is left to the workers.
_MOST_ATTEMPTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Read suspected subjects until none is left, or none of those left can be read now."""

    attempts: Attempts
    journal: Journal
    show_progress: ShowProgress

    def run(self) -> None:
        """Read every suspected subject.

        Raises:
            WorkHalted: Calls are halted. What was read is kept. Run again when they are not.
            PlaceLost: Another run took the place. Stop.
        """
        run, waited = self.journal.run, 0
        while total := self._count_open():
            moved = self._round(total)
            if not moved and waited == WAITS:
                break
            if not moved:
                waited += 1
                self.journal.wait(AGAIN_SECONDS)
        with self.journal.writing() as (connection, _):
            run.left += leave_open_ones(connection, run.id)

    def _count_open(self) -> int:
        with reading(self.journal.engine).begin() as connection:
            return count_open(connection, self.journal.run.id)

    def _round(self, total: int) -> int:
        """Try every open subject once, and return how many were read."""
        after, done = None, 0
        while True:
            with reading(self.journal.engine).begin() as connection:
                batch = list_open(connection, self.journal.run.id, after=after)
            if not batch:
                return done
            after = batch[-1].key
            for account, subjects in groupby(batch, key=lambda suspicion: suspicion.linked_account_id):
                done += self._account(account, list(subjects))
                self.show_progress(Stage.READ, done=done, total=total)

    def _account(self, account: str, subjects: Sequence[Suspicion]) -> int:
        """Read an account's subjects, and return how many were read."""
        run = self.journal.run
        with self.journal.writing() as (connection, now):
            last_change = find_last_change(connection, account)
            pauses = list_pauses(connection, now)
            paused = [each for each in subjects if _is_paused(each, pauses)]
            settle(connection, run.id, {each.key: SuspicionOutcome.LEFT for each in paused}, now)
            run.left += len(paused)
            subjects = [each for each in subjects if each not in paused]
            for suspicion in subjects:
                reason, expects = f"reconciliation {run.id}", _expected(suspicion)
                before = find_check(connection, account, suspicion.slug)
                if before is not None and before.reason == reason and before.looks > 0:
                    continue  # it is looked at again by itself, and would begin anew
                record_check(
                    connection, account, suspicion.slug, due_at=now, reason=reason, expects=expects, at_once=True
                )
        self._work_on(account)
        with self.journal.writing() as (connection, after):
            changed = list_changed_subjects(connection, account, after=last_change)
            pauses = list_pauses(connection, after)  # one that began meanwhile has put the read off
            over = [
                each
                for each in subjects
                if not _is_paused(each, pauses) and _is_over(find_check(connection, account, each.slug), after)
            ]
            outcomes = {
                suspicion.key: SuspicionOutcome.REPAIRED
                if suspicion.slug in changed
                else _unchanged(connection, suspicion, requested_at=now)
                for suspicion in over
            }
            settle(connection, run.id, outcomes, now)
            run.repaired += sum(outcome is SuspicionOutcome.REPAIRED for outcome in outcomes.values())
            run.left += sum(outcome is SuspicionOutcome.LEFT for outcome in outcomes.values())
            halt = find_halt(connection)
            self._follow(connection, account, subjects, changed)
        if halt is not None:
            raise WorkHalted(f"work is halted: {halt.reason}")
        return len(paused) + len(outcomes)

    def _follow(self, connection: Connection, account: str, subjects: Sequence[Suspicion], changed: set[str]) -> None:
        """Count and suspect what an account had that turned out to be missing at Cobalt: all of it is gone, too."""
        row = find_account_row(connection, account)
        if "" not in changed or row is None or row.status is not AccountStatus.MISSING:
            return
        had = set(find_account_subjects(connection, account)) - {suspicion.slug for suspicion in subjects}
        self.journal.run.repaired += len(had & changed)
        unread = [slug for slug in sorted(had) if find_check(connection, account, slug) is not None]
        suspicions = [Suspicion(linked_account_id=account, slug=slug, kind=SuspicionKind.CONFIGS) for slug in unread]
        record_suspicions(connection, self.journal.run.id, suspicions)

    def _work_on(self, account: str) -> None:
        try:
            for _ in range(_MOST_ATTEMPTS):
                if not self.attempts.attempt(account):
                    return
        except LeaseLost as error:
            log.warning("lease_lost", account=account, detail=str(error))


def _is_paused(suspicion: Suspicion, pauses: Sequence[Pause]) -> bool:
    """Tell whether the operator has stopped what would read a subject."""
    account_id, slug = suspicion.linked_account_id, suspicion.slug
    return find_pause(pauses, account_id=account_id, slug=slug, type_=None) is not None


def _expected(suspicion: Suspicion) -> Expected | None:
    """Return what a read should show: what the listing lacks is believed to be gone when a read says so, too."""
    return Expected.GONE if suspicion.kind in {SuspicionKind.MISSING, SuspicionKind.GONE} else None


def _unchanged(connection: Connection, suspicion: Suspicion, *, requested_at: datetime) -> SuspicionOutcome:
    """Return what came of a subject that is over and did not change: it agrees only if a read said so.

    A read says nothing of a connection whose application is not enabled, unless the account's own answer does.
    """
    account = find_account_row(connection, suspicion.linked_account_id)
    if not suspicion.slug or account is None or account.status is not AccountStatus.ACTIVE:
        return SuspicionOutcome.AGREED
    row = find_connection_row(connection, suspicion.linked_account_id, suspicion.slug)
    if row is None:  # nothing was found, although the listing shows it if it is suspected to have changed
        is_read = suspicion.kind is not SuspicionKind.CHANGED
    else:
        is_read = row.verified_at is not None and row.verified_at >= requested_at
    return SuspicionOutcome.AGREED if is_read else SuspicionOutcome.LEFT


def _is_over(check: Check | None, now: datetime) -> bool:
    """Return whether a check was carried out: it is gone, or what is due later is another one.

    A check that failed, or whose read did not show what it should, is still the same: not all of it was read.
    """
    return check is None or (check.due_at > now and check.attempts == 0 and check.looks == 0)
