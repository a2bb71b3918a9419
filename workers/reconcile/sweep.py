"""The sweep: do work that is overdue, because its message was lost or its worker died."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from cobalt_mirror.db.due import find_due_accounts
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.mirror import claim_catalogue_refresh
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.reconcile.journal import Journal

log = structlog.get_logger()

#: Work is overdue after this long: the relay sends a message again after 15 seconds.
OVERDUE = timedelta(seconds=60)
#: The most accounts of one run. The sweep does not replace a relay that is down.
_MOST_ACCOUNTS = 1_000
_BATCH = 100


@dataclass(slots=True, kw_only=True)
class Sweep:
    """Find and do due work that no worker has in hand: its message was lost, or the worker with the lease died."""

    attempts: Attempts
    catalogue: Catalogue
    journal: Journal
    _tried: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Do overdue work, and read the catalogue if it is due."""
        while len(self._tried) < _MOST_ACCOUNTS and (accounts := self._overdue()):
            for account in accounts:
                self._tried.add(account)
                self._attempt(account)
            with self.journal.writing():
                pass  # a heartbeat
        with self.journal.engine.begin() as connection:
            is_due = claim_catalogue_refresh(connection, self.journal.clock)
        if is_due:
            self.catalogue.refresh()

    def _overdue(self) -> list[str]:
        with reading(self.journal.engine).begin() as connection:
            now: datetime = self.journal.clock(connection)
            due = find_due_accounts(connection, now, limit=_BATCH, retries=_BATCH // 4)
        overdue = [account.linked_account_id for account in due if now - account.due_at > OVERDUE]
        return [account for account in overdue if account not in self._tried]

    def _attempt(self, account: str) -> None:
        log.info("overdue_work", account=account)
        try:
            while self.attempts.attempt(account):
                pass
        except LeaseLost as error:
            log.warning("lease_lost", account=account, detail=str(error))
