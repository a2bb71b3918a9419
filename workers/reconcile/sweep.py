"""The sweep: what the relay and the workers should have done by now, done here."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from cobalt_mirror.db.due import find_due_accounts
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.workers.catalogue import Catalogue, claim_refresh
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile.journal import Journal

log = structlog.get_logger()

#: Work that is due for longer than this was forgotten by somebody: the relay sends a message again after 15 seconds.
OVERDUE = timedelta(seconds=60)
#: How many accounts one run works on; a relay that is down for good is not replaced.
_MOST_ACCOUNTS = 1_000
_A_LOOK = 100


@dataclass(slots=True, kw_only=True)
class Sweep:
    """Finds due work that nobody has in hand: its doorbell was lost, or the worker that had the lease is dead."""

    attempts: Attempts
    catalogue: Catalogue
    journal: Journal
    _tried: set[str] = field(default_factory=set)

    def through(self) -> None:
        """Work on what is overdue, and read the catalogue if it is due."""
        while len(self._tried) < _MOST_ACCOUNTS and (accounts := self._overdue()):
            for account in accounts:
                self._tried.add(account)
                self._attempt(account)
            with self.journal.writing():
                pass  # a sign of life
        with self.journal.engine.begin() as connection:
            is_due = claim_refresh(connection, self.journal.clock)
        if is_due:
            self.catalogue.refresh()

    def _overdue(self) -> list[str]:
        with reading(self.journal.engine).begin() as connection:
            now: datetime = self.journal.clock(connection)
            due = find_due_accounts(connection, now, limit=_A_LOOK)
        overdue = [one.linked_account_id for one in due if now - one.due_at > OVERDUE]
        return [account for account in overdue if account not in self._tried]

    def _attempt(self, account: str) -> None:
        log.info("overdue_work", account=account)
        try:
            while self.attempts.attempt(account):
                pass
        except LeaseLost as error:
            log.warning("lease_lost", account=account, detail=str(error))
