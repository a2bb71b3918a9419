"""The walk: read Cobalt's listing page by page, and compare each page with the mirror in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from cobalt_mirror.cobalt import AccountPage, Client, LinkedAccount
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.listing import Known, find_known, record_unknown, record_walked, take_unknown
from cobalt_mirror.db.mirror import adopt
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.state import pin_environment
from cobalt_mirror.db.statuses import SuspicionKind
from cobalt_mirror.db.suspicions import Suspicion, record_suspicions
from cobalt_mirror.workers.reconcile.comparison import adopted_rows, compare
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.mapping import Mapper
from cobalt_mirror.workers.reconcile.paging import Paging
from cobalt_mirror.workers.reconcile.progress import ShowProgress, Stage
from cobalt_mirror.workers.reconcile.retrying import call_patiently

log = structlog.get_logger()

#: Whether an account of the mirror is to be compared at all.
Filter = Callable[[AccountRow], bool]


@dataclass(slots=True, kw_only=True)
class Walk:
    """Walk the whole listing, or compare one account.

    Attributes:
        mapper: Maps the listing's applications to slugs.
        dry_run: Report accounts that the mirror lacks, instead of recording them for adoption.
        should_compare: Filter of the mirror's accounts.
        page_size: Number of accounts to request per page; Cobalt may return fewer.
    """

    client: Client
    journal: Journal
    mapper: Mapper
    dry_run: bool
    should_compare: Filter
    show_progress: ShowProgress
    page_size: int = 100

    def run(self) -> None:
        """Walk to the end of the listing, from the position that the run has stored; see `Paging`.

        Accounts that come twice are compared twice.

        Raises:
            CobaltError: Cobalt failed for too long, or refuses the key. What was compared is kept. Run it again.
            PlaceLost: Another run took the place. Stop.
        """
        run = self.journal.run
        paging = Paging.resume(page_size=self.page_size, position=run.position, total=run.total, told=run.contradiction)
        number: int | None = paging.first
        while number is not None:
            page = self._fetch(number)
            self.mapper.learn(page.accounts)
            with self.journal.writing() as (connection, _):
                new = self._compare(connection, page.accounts)
                number = paging.next(page, requested=number, new=new)
                run.position, run.total, run.contradiction = paging.position, paging.total, paging.told
            self.show_progress(Stage.WALK, done=run.position, total=run.total)
        if run.contradiction is not None:
            log.warning("listing_contradicts_itself", run=run.id, detail=run.contradiction)

    def _fetch(self, page_number: int) -> AccountPage:
        def fetch() -> AccountPage:
            return self.client.fetch_accounts(page=page_number, limit=self.page_size)

        return call_patiently(self.journal, fetch, purpose=f"page {page_number} of the listing")

    def compare(self, accounts: Sequence[LinkedAccount]) -> None:
        """Compare accounts with the mirror, in one transaction. Existing rows are not changed.

        Raises:
            CobaltError: The catalogue had to be read, and Cobalt failed for too long, or refuses the key.
            PlaceLost: Another run took the place. Stop.
        """
        self.mapper.learn(accounts)
        with self.journal.writing() as (connection, _):
            self._compare(connection, accounts)

    def _compare(self, connection: Connection, accounts: Sequence[LinkedAccount]) -> int:
        """Compare accounts, and return how many of them the walk had not seen before."""
        run, mapper = self.journal.run, self.mapper
        mirrored_accounts = find_known(connection, [account.linked_account_id for account in accounts])
        new = [
            account for account in accounts if mirrored_accounts.get(account.linked_account_id, Known()).account is None
        ]
        first_seen = self._take_in(connection, new) if new else set()
        suspicions = [
            suspicion
            for account in accounts
            if (mirrored := mirrored_accounts.get(account.linked_account_id)) is not None
            and mirrored.account is not None
            and self.should_compare(mirrored.account)
            for suspicion in compare(account, mirrored, mapper.slugs)
        ]
        record_suspicions(connection, run.id, suspicions)
        first_seen |= record_walked(connection, run.id, [account.linked_account_id for account in accounts])
        run.pages += 1
        run.compared += len(accounts)
        run.untold += sum(account.integrations is None for account in accounts)
        run.unmapped += mapper.count_unmapped(
            {each.linked_account_id: each for each in accounts if each.linked_account_id in first_seen}.values()
        )
        return len(first_seen)

    def _take_in(self, connection: Connection, accounts: Sequence[LinkedAccount]) -> set[str]:
        """Record unknown accounts. They are adopted after the brake has decided, by `adopt_unknown`.

        Returns:
            Those that the walk sees for the first time, as far as it recorded them here.
        """
        run = self.journal.run
        if self.dry_run:
            unknown = [
                Suspicion(
                    linked_account_id=account.linked_account_id,
                    slug="",
                    kind=SuspicionKind.UNKNOWN,
                    differences=["row"],
                )
                for account in accounts
            ]
            record_suspicions(connection, run.id, unknown)
            return set()
        environment = self.client.environment or accounts[0].environment
        rows = [adopted_rows(account, environment, self.mapper.slugs) for account in accounts]
        return record_unknown(connection, run.id, rows)


def adopt_unknown(journal: Journal) -> None:
    """Add every account that the walk found and the mirror lacks, page by page."""
    run = journal.run
    while True:
        with journal.writing() as (connection, now):
            rows = take_unknown(connection, run.id)
            if not rows:
                return
            accounts = [row["account"] for row in rows]
            connected = {row["account"]["linked_account_id"]: row["connections"] for row in rows}
            run.adopted += adopt(connection, accounts, connected, Because(at=now, cause={"run": run.id}))
            if accounts[0]["environment"] is not None:
                pin_environment(connection, accounts[0]["environment"])
