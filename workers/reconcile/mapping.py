"""Map the integrations of the listing to slugs, and read the catalogue once if it turns out to be too old."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cobalt_mirror.cobalt import AccountIntegration, LinkedAccount, UnknownAccount
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.mirror import find_slugs
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.reconcile.journal import Journal
from cobalt_mirror.workers.reconcile.retrying import call_patiently
from cobalt_mirror.workers.slugs import Slugs

#: The most unmapped applications that a run names.
MOST_NAMED = 5


def unmapped(account: LinkedAccount, slugs: Slugs) -> dict[str | None, AccountIntegration]:
    """Return the account's connections whose application is not known, by `app_id`."""
    return {each.app_id: each for each in account.integrations or () if slugs.is_unmapped(each)}


@dataclass(slots=True, kw_only=True)
class Mapper:
    """The mapping of one run.

    Attributes:
        dry_run: Leave the catalogue in the mirror as it is.
        slugs: The mapping so far.
        is_read: Whether this run has read the catalogue, which it does once at most.
        names: Some applications that are not mapped: name by `app_id`.
    """

    catalogue: Catalogue
    journal: Journal
    dry_run: bool
    slugs: Slugs = field(default_factory=Slugs)
    is_read: bool = False
    names: dict[str, str | None] = field(default_factory=dict)

    def load(self) -> None:
        """Read the mapping from the mirror's catalogue, disabled applications included."""
        with reading(self.journal.engine).begin() as connection:
            by_app_id = find_slugs(connection)
        default_app_id = self.catalogue.settings.cobalt_default_app_id
        self.slugs = Slugs(by_app_id=by_app_id, default_app_id=default_app_id)

    def learn(self, accounts: Iterable[LinkedAccount]) -> None:
        """Read the catalogue, if one of these accounts has an application that is not known and it was not read yet.

        It is read through such an account, because the mirror may know none yet.

        Raises:
            CobaltError: Cobalt failed for too long, or refuses the key.
        """
        for account in accounts:
            if self.is_read:
                return
            if any(app_id is not None for app_id in unmapped(account, self.slugs)):
                self._read(account.linked_account_id)

    def count_unmapped(self, accounts: Iterable[LinkedAccount]) -> int:
        """Count the connections of these accounts that are not mapped, and remember the names of some applications."""
        number = 0
        for account in accounts:
            found = unmapped(account, self.slugs)
            number += len(found)
            for app_id, integration in found.items():
                if app_id is not None and (app_id in self.names or len(self.names) < MOST_NAMED):
                    self.names[app_id] = integration.name
        return number

    def _read(self, account_id: str) -> None:
        client = self.catalogue.client
        try:
            applications = call_patiently(
                self.journal,
                lambda: client.fetch_applications(account_id),
                purpose="the catalogue",
                linked_account_id=account_id,
            )
        except UnknownAccount:  # it was deleted since it was listed
            return
        self.is_read = True
        self.slugs = self.slugs.with_catalogue(applications)
        if not self.dry_run:
            self.catalogue.record(applications)
