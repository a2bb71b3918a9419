"""What accounts were some seconds ago, for reads that are answered by a copy that lags behind."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta

from cobalt_mirror.cobalt.sandbox.state import Account, Environment, World

_Key = tuple[Environment, str]


class Past:
    """Keeps the versions of accounts for as long as a read may lag behind, from the first look at `world` on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_kept = False
        self._copies: dict[_Key, Account] = {}
        self._versions: dict[_Key, deque[tuple[datetime, Account | None]]] = {}

    def keep(self) -> None:
        """Begin to keep versions, if that is not done already."""
        if self._is_kept:
            return
        self._is_kept = True
        for environment, accounts in self._world.accounts.items():
            self._copies.update({(environment, id_): deepcopy(account) for id_, account in accounts.items()})
        self._world.ledger.on_effect = self._note

    def _note(self, environment: str, linked_account_id: str | None) -> None:
        """Put the version before an effect aside."""
        if linked_account_id is None:
            return
        key = (Environment(environment), linked_account_id)
        versions = self._versions.setdefault(key, deque())
        versions.append((self._world.now, self._copies.pop(key, None)))
        oldest = self._world.now - timedelta(seconds=self._world.settings.stale_seconds)
        while versions[0][0] <= oldest:
            versions.popleft()
        present = self._world.accounts[key[0]].get(key[1])
        if present is not None:
            self._copies[key] = deepcopy(present)

    @contextmanager
    def shown(self, moment: datetime) -> Iterator[None]:
        """Let every account be as it was at a moment, for a read."""
        present: dict[_Key, Account | None] = {}
        for (environment, id_), versions in self._versions.items():
            was = next((version for version in versions if version[0] > moment), None)
            if was is not None:
                present[environment, id_] = self._world.accounts[environment].get(id_)
                self._put(environment, id_, was[1])
        try:
            yield
        finally:
            for (environment, id_), account in present.items():
                self._put(environment, id_, account)

    def _put(self, environment: Environment, id_: str, account: Account | None) -> None:
        accounts = self._world.accounts[environment]
        if account is None:
            accounts.pop(id_, None)
        else:
            accounts[id_] = account
