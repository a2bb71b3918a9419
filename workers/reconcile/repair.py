"""The repair: every subject in doubt is read under its account's lease, by the functions that workers use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from sqlalchemy import Connection

from cobalt_mirror.db.checks import Check, find_check, record_check
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.listing import find_account_subjects
from cobalt_mirror.db.mirror import find_row
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import AccountStatus, SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.suspicions import (
    Suspicion,
    count_open,
    find_last_change,
    leave_open_ones,
    list_changed_subjects,
    list_open,
    record_suspicions,
    settle,
)
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.workers.errors import WorkHalted
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import Progress, Stage

log = structlog.get_logger()

#: When nothing that is left can be read now, it is tried again so often, each time after this wait, in seconds.
WAITS, AGAIN_SECONDS = 2, 5.0
#: How many attempts at one account make a turn; a noisy customer's other work is the workers'.
_LONGEST_TURN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Reads what is in doubt until nothing is, or what is left cannot be read now."""

    attempts: Attempts
    journal: Journal
    shown: Progress

    def through(self) -> None:
        """Read every subject in doubt.

        Raises:
            WorkHalted: the key is refused. What was read stays so.
            PlaceLost: another run took the place.
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
        """Try everything that is open once; returns how much was read."""
        after, done = None, 0
        while True:
            with reading(self.journal.engine).begin() as connection:
                batch = list_open(connection, self.journal.run.id, after=after)
            if not batch:
                return done
            after = batch[-1].key
            for account, subjects in groupby(batch, key=lambda one: one.linked_account_id):
                done += self._account(account, list(subjects))
                self.shown(Stage.READ, done=done, total=total)

    def _account(self, account: str, subjects: Sequence[Suspicion]) -> int:
        """Have an account's subjects read; returns how many were."""
        run = self.journal.run
        with self.journal.writing() as (connection, now):
            last_change = find_last_change(connection, account)
            for one in subjects:
                record_check(connection, account, one.slug, due_at=now, reason=f"reconciliation {run.id}")
        self._work_on(account)
        with self.journal.writing() as (connection, _):
            changed = list_changed_subjects(connection, account, after=last_change)
            outcomes = {
                one.key: SuspicionOutcome.REPAIRED if one.slug in changed else SuspicionOutcome.AGREED
                for one in subjects
                if _is_over(find_check(connection, account, one.slug), now)
            }
            settle(connection, run.id, outcomes, now)
            run.repaired += sum(outcome is SuspicionOutcome.REPAIRED for outcome in outcomes.values())
            halt = find_halt(connection)
            self._follow(connection, account, subjects, changed)
        if halt is not None:
            raise WorkHalted(f"work is halted: {halt.reason}")
        return len(outcomes)

    def _follow(self, connection: Connection, account: str, subjects: Sequence[Suspicion], changed: set[str]) -> None:
        """An account that turned out to be missing took everything along: what could not be read yet is wanted, too."""
        row = find_row(connection, linked_accounts, {"linked_account_id": account})
        if "" not in changed or row is None or row["status"] is not AccountStatus.MISSING:
            return
        had = set(find_account_subjects(connection, account)) - {one.slug for one in subjects}
        self.journal.run.repaired += len(had & changed)
        unread = [slug for slug in sorted(had) if find_check(connection, account, slug) is not None]
        wanted = [Suspicion(linked_account_id=account, slug=slug, kind=SuspicionKind.CONFIGS) for slug in unread]
        record_suspicions(connection, self.journal.run.id, wanted)

    def _work_on(self, account: str) -> None:
        try:
            for _ in range(_LONGEST_TURN):
                if not self.attempts.attempt(account):
                    return
        except LeaseLost as error:
            log.warning("lease_lost", account=account, detail=str(error))


def _is_over(check: Check | None, wanted_at: datetime) -> bool:
    """Whether a check was carried out: it is gone, or all that is left of it is the wish for a later one."""
    return check is None or (check.due_at > wanted_at and check.attempts == 0)
