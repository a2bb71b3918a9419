"""A customer's connections to an application that holds several of them, each with an id."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.events import ConnectionAuthorized, ConnectionRemoved
from cobalt_mirror.workers.demo.form import some_changes, typed_credentials
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.page import Page

_TEAMS = ("sales", "support", "finance")


@dataclass(slots=True, kw_only=True)
class SeveralConnections:
    """One customer's connections to one such application.

    Attributes:
        held: the id of each connection that the customer has, and how it is connected.
        known: every id that was ever seen, so that a new one is told apart.
    """

    linked_account_id: str
    application: Application
    host: Host
    rng: Random
    held: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def connect(self) -> None:
        """Open one to three connections and configure each; some are authorized again."""
        number = self.rng.choice((1, 2, 2, 3))
        for index in range(number):
            connection_id = self._open(index)
            # The only connection needs no name.
            self.configure(None if number == 1 and self._happens(0.5) else connection_id)
        if self._happens(0.3):
            self._authorize_again(self.rng.choice(list(self.held)))

    def configure(self, connection_id: str | None) -> None:
        """Change the config of one connection; None: of the only one."""
        changes = some_changes(self.rng, self.linked_account_id, self.application, connection_id=connection_id)
        for change in changes:
            self.host.publish(change)
            self.host.wait(self.rng.uniform(0, 0.05))

    def configure_any(self) -> None:
        """Change the config of one connection, if the customer has one."""
        if self.held:
            self.configure(self.rng.choice(list(self.held)))

    def remove(self) -> None:
        """Disconnect one after the other, or all at once; half of the customers then open another."""
        if self._happens(0.4):
            self._publish_removal()
            self.held.clear()
        else:
            for connection_id in self.rng.sample(list(self.held), self.rng.randint(1, len(self.held))):
                self._publish_removal(connection_id)
                del self.held[connection_id]
        if self._happens(0.5):
            self.configure(self._open(0))

    def _happens(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _publish_removal(self, connection_id: str | None = None) -> None:
        removal = ConnectionRemoved(self.linked_account_id, self.application.slug, connection_id=connection_id)
        self.host.publish(removal)

    # --- connecting ---------------------------------------------------------------------------------------------------

    def _open(self, index: int) -> str:
        """Open another connection, and find out its id: from the SDK in the page, or from the mirror."""
        auth_type = self.rng.choice(list(self.application.auth))
        profiles = self.application.auth_profiles
        about = {
            "auth_profile_id": profiles[index % len(profiles)].id,
            "user_defined_fields": {"team": self.rng.choice(_TEAMS), "seats": self.rng.randint(1, 9)},
        }
        page = self.host.open_page(self.linked_account_id)
        self._connect(page, auth_type, about)
        if self._happens(0.5):
            shown = self.host.ask(page.connection_ids, self.application.slug)
            connection_id = next(id_ for id_ in shown if id_ not in self.known)
            self._publish_authorization(auth_type, connection_id=connection_id)
        else:
            self._publish_authorization(auth_type)
            connection_id = self.host.wait_for_connection(
                self.linked_account_id, self.application.slug, known=self.known
            )
        self.held[connection_id] = auth_type
        self.known.add(connection_id)
        return connection_id

    def _authorize_again(self, connection_id: str) -> None:
        """Connect again by the same id, as a customer whose connection expired does."""
        auth_type = self.held[connection_id]
        page = self.host.open_page(self.linked_account_id)
        self._connect(page, auth_type, {"connection_id": connection_id})
        self._publish_authorization(auth_type, connection_id=connection_id)

    def _connect(self, page: Page, auth_type: str, about: dict[str, Any]) -> None:
        typed = typed_credentials(self.application, auth_type, customer=self.linked_account_id)
        send = page.save if auth_type == "keybased" else page.integrate
        self.host.ask(send, self.application.slug, {**typed, **about})

    def _publish_authorization(self, auth_type: str, *, connection_id: str | None = None) -> None:
        self.host.publish(
            ConnectionAuthorized(
                self.linked_account_id, self.application.slug, auth_type=auth_type, connection_id=connection_id
            )
        )
