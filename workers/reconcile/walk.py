"""The walk: page by page through Cobalt's listing, each page compared with the mirror in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from cobalt_mirror.cobalt import (
    AccountPage,
    Client,
    CobaltError,
    LinkedAccount,
    RateLimited,
    ResponseError,
    ServerError,
)
from cobalt_mirror.db.listing import Known, adopt, find_known, record_unknown, record_walked, take_unknown
from cobalt_mirror.db.mirror import Because
from cobalt_mirror.db.state import pin_environment
from cobalt_mirror.db.statuses import SuspicionKind
from cobalt_mirror.db.suspicions import Suspicion, record_suspicions
from cobalt_mirror.workers.reconcile.comparison import adopted_rows, compare
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.progress import Progress, Stage

log = structlog.get_logger()

#: How often a page is asked for while Cobalt fails, and the first wait, in seconds; it doubles each time.
TRIES, FIRST_WAIT_SECONDS = 6, 1.0
#: How often the walk goes back for what slipped through at one place before it goes on all the same.
STEPS_BACK = 5

#: Whether an account of the mirror is to be compared at all.
Filter = Callable[[Mapping[str, object]], bool]


@dataclass(slots=True, kw_only=True)
class Walk:
    """Walks the whole listing, or compares one account.

    Attributes:
        dry_run: tell accounts that the mirror does not know instead of noting them for adoption.
        wanted: which of the mirror's accounts are compared.
        page_size: how many accounts are asked for at once; what comes may be fewer.
    """

    client: Client
    journal: Journal
    dry_run: bool
    wanted: Filter
    shown: Progress
    page_size: int = 100
    _steps_back: int = 0

    def through(self) -> None:
        """Walk to the end, from where the run that this one resumes came to.

        Offset pages shift while one walks. A listing that became shorter by n may have moved n accounts to a page that
        is behind us already, so the walk goes back by that much; what comes twice is compared twice.

        Raises:
            CobaltError: Cobalt fails for too long, or refuses the key. What was compared stays so.
            PlaceLost: another run took the place.
        """
        run = self.journal.run
        page_number = max(run.position // self.page_size, 1)
        while True:
            page = self._fetch(page_number)
            behind = self._still_behind(page)
            start = (page.page - 1) * page.limit
            is_gap = start > behind and self._steps_back < STEPS_BACK
            self._steps_back = self._steps_back + 1 if is_gap else 0
            run.position = behind if is_gap else max(behind, start + len(page.accounts))
            run.total = page.total_accounts
            self.compare(page.accounts)
            self.shown(Stage.WALK, done=run.position, total=run.total)
            if is_gap:
                log.info("walk_goes_back", page=page.page, behind=behind)
                page_number = behind // page.limit + 1
            elif page.has_next_page:
                page_number = page.page + 1
            else:
                return

    def _still_behind(self, page: AccountPage) -> int:
        """How much of the listing is surely behind the walk, now that accounts may have been deleted there."""
        run = self.journal.run
        shorter_by = (run.total or 0) - (page.total_accounts or 0)
        return max(run.position - max(shorter_by, 0), 0)

    def _fetch(self, page_number: int) -> AccountPage:
        wait = FIRST_WAIT_SECONDS
        for _ in range(TRIES - 1):
            try:
                return self.client.fetch_accounts(page=page_number, limit=self.page_size)
            except RateLimited as error:
                self.journal.wait(wait if error.retry_after_seconds is None else error.retry_after_seconds)
            except CobaltError as error:
                if isinstance(error, ResponseError) and not isinstance(error, ServerError):
                    raise
                log.warning("page_not_read", page=page_number, error=str(error))
                self.journal.wait(wait)
            wait *= 2
        return self.client.fetch_accounts(page=page_number, limit=self.page_size)

    def compare(self, accounts: Sequence[LinkedAccount]) -> None:
        """Compare some accounts with the mirror, in one transaction. Rows that exist are not touched."""
        run = self.journal.run
        with self.journal.writing() as (connection, _):
            known = find_known(connection, [one.linked_account_id for one in accounts])
            new = [one for one in accounts if known.get(one.linked_account_id, Known()).account is None]
            if new:
                self._take_in(connection, new)
            found = [
                suspicion
                for one in accounts
                if (mirrored := known.get(one.linked_account_id)) is not None
                and mirrored.account is not None
                and self.wanted(mirrored.account)
                for suspicion in compare(one, mirrored)
            ]
            record_suspicions(connection, run.id, found)
            record_walked(connection, run.id, [one.linked_account_id for one in accounts])
            run.pages += 1
            run.compared += len(accounts)
            run.untold += sum(one.integrations is None for one in accounts)

    def _take_in(self, connection: Connection, accounts: Sequence[LinkedAccount]) -> None:
        """Note them: nothing is adopted before it is clear how much is suspected gone (`adopt_unknown`)."""
        run = self.journal.run
        if self.dry_run:
            unknown = [
                Suspicion(
                    linked_account_id=one.linked_account_id, slug="", kind=SuspicionKind.UNKNOWN, differences=["row"]
                )
                for one in accounts
            ]
            record_suspicions(connection, run.id, unknown)
            return
        environment = self.client.environment or accounts[0].environment
        record_unknown(connection, run.id, [adopted_rows(one, environment) for one in accounts])


def adopt_unknown(journal: Journal) -> None:
    """Take every account that the walk found and the mirror does not know into it, page by page."""
    run = journal.run
    while True:
        with journal.writing() as (connection, now):
            found = take_unknown(connection, run.id)
            if not found:
                return
            accounts = [one["account"] for one in found]
            connected = {one["account"]["linked_account_id"]: one["connections"] for one in found}
            run.adopted += adopt(connection, accounts, connected, Because(at=now, cause={"run": run.id}))
            if accounts[0]["environment"] is not None:
                pin_environment(connection, accounts[0]["environment"])
