"""One customer's journey: sign up, connect, configure in bursts, remove, reconnect, sign up with other details."""

from dataclasses import dataclass, field
from random import Random
from typing import Self

from cobalt_mirror.cobalt.sandbox import catalogue
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Grant
from cobalt_mirror.events import ConfigRemoved, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from cobalt_mirror.workers.demo.form import some_changes, typed_credentials
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.several import SeveralConnections

_PLANS = ("free", "team", "enterprise")
#: Custom ones, those that hold several connections, and those that connect without a window.
_UNUSUAL = tuple(each for each in catalogue.whole_catalogue() if each not in catalogue.applications())


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer who clicks at random; the same seed gives the same clicks.

    Attributes:
        unusual: the unusual application that this customer connects; customers take turns.
        connected: applications that are connected, or were.
        several: connections to an application that holds several.
    """

    id: str
    host: Host
    rng: Random
    unusual: Application
    connected: list[Application] = field(default_factory=list)
    several: SeveralConnections | None = None

    @classmethod
    def numbered(cls, number: int, *, seed: int, host: Host) -> Self:
        """Return the customer with this number; every 25th has an id with spaces, a slash and non-ASCII letters."""
        id_ = f"zoë & söhne/{number}" if number % 25 == 0 else f"customer-{number:03}"
        return cls(id=id_, host=host, rng=Random(f"{seed}/{number}"), unusual=_UNUSUAL[number % len(_UNUSUAL)])

    def live(self) -> None:
        """Go through the whole journey.

        Raises:
            Closing: The demo ended first.
        """
        has_credentials = self._sign_up()
        if self._happens(0.2):  # lands in the app at once, and the first page needs a session token
            self.host.mint_token(self.id)
        else:
            self.host.wait_until_active(self.id)
            if has_credentials:  # the host's own API has a new token for this customer
                self.host.ask(self.host.client.set_auth_credential, self.id, "token", f"new secret of {self.id}")
        for application in [self.unusual, *self.rng.sample(catalogue.applications(), self.rng.choice((1, 1, 2, 2)))]:
            self._connect(application)
        if self._happens(0.2):
            self._sign_up()
        if self._happens(0.4):
            self._configure(self.rng.choice(self.connected))
        if self._happens(0.3):
            self._remove(self.rng.choice(self.connected))
        elif self._happens(0.2):
            self._start_over()

    def _happens(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _sign_up(self) -> bool:
        """Sign up, or give other details; return whether with credentials."""
        credentials = {"token": f"secret of {self.id}"} if self._happens(0.2) else None
        udf = {"plan": self.rng.choice(_PLANS), "seats": str(self.rng.randint(1, 500))}
        name = f"{self.id.title()} {self.rng.choice(('Ltd', 'GmbH', 'Inc.'))}"
        self.host.publish(UserSignedUp(self.id, name=name, udf=udf, auth_credentials=credentials))
        return credentials is not None

    # --- connecting ---------------------------------------------------------------------------------------------------

    def _connect(self, application: Application) -> None:
        self.connected.append(application)
        if application.has_multi_auth_enabled:
            self.several = SeveralConnections(
                linked_account_id=self.id, application=application, host=self.host, rng=self.rng
            )
            self.several.connect()
            return
        auth_types = list(application.auth)
        both = len(auth_types) > 1 and self._happens(0.2)
        for auth_type in auth_types if both else [self.rng.choice(auth_types)]:
            self._authorize(application, auth_type)
        if application is self.unusual:  # the page labels the config that it finds
            self.host.ask(self.host.client.config, self.id, application.slug, labels={"customer": self.id})
        self._configure(application)

    def _authorize(self, application: Application, auth_type: str) -> None:
        authorized = ConnectionAuthorized(self.id, application.slug, auth_type=auth_type)
        typed = typed_credentials(application, auth_type, customer=self.id)
        if auth_type == "keybased":
            self.host.connect_by_credentials(self.id, application.slug, typed)
            self.host.publish(authorized)
        elif application.grant is Grant.CLIENT_CREDENTIALS:
            self.host.ask(self.host.open_page(self.id).integrate, application.slug, typed)
            self.host.publish(authorized)
        elif self._happens(0.05):  # the page tells us when the popup opens, which is too early
            self.host.publish(authorized)
            self.host.connect_by_consent(self.id, application.slug)
        else:
            self.host.connect_by_consent(self.id, application.slug)
            self.host.publish(authorized)

    def _remove(self, application: Application) -> None:
        """Disconnect; half of the customers change their mind and reconnect, as fast as they can click."""
        if self.several is not None and application is self.several.application:
            self.several.remove()
            return
        auth_types = list(application.auth)
        only = self.rng.choice(auth_types) if self._happens(0.2) else None
        self.host.publish(ConnectionRemoved(self.id, application.slug, auth_type=only))
        if self._happens(0.5):
            self._authorize(application, only or self.rng.choice(auth_types))
            self._configure(application)

    def _start_over(self) -> None:
        """Remove the config of an application that is connected once; half of the customers fill the form in again."""
        application = self.connected[-1]
        if not application.has_multi_auth_enabled:
            self.host.publish(ConfigRemoved(self.id, application.slug))
            if self._happens(0.5):
                self._configure(application)

    # --- configuring --------------------------------------------------------------------------------------------------

    def _configure(self, application: Application) -> None:
        """Submit the form several times within a moment."""
        if self.several is not None and application is self.several.application:
            self.several.configure_any()
            return
        for change in some_changes(self.rng, self.id, application):
            self.host.publish(change)
            self.host.wait(self.rng.uniform(0, 0.05))
