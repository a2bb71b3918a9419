"""One customer's journey: sign up, connect, configure in bursts, remove, reconnect, sign up with other details."""

from dataclasses import dataclass, field
from random import Random
from typing import Self

from cobalt_mirror.cobalt.sandbox import catalogue
from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from cobalt_mirror.workers.demo.form import some_values, some_workflows
from cobalt_mirror.workers.demo.host import Host

_PLANS = ("free", "team", "enterprise")


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer who clicks at random; the same seed gives the same clicks."""

    id: str
    host: Host
    rng: Random
    connected: list[Application] = field(default_factory=list)

    @classmethod
    def numbered(cls, number: int, *, seed: int, host: Host) -> Self:
        """Return the customer with this number; every 25th has an id with spaces, a slash and non-ASCII letters."""
        id_ = f"zoë & söhne/{number}" if number % 25 == 0 else f"customer-{number:03}"
        return cls(id=id_, host=host, rng=Random(f"{seed}/{number}"))

    def live(self) -> None:
        """Go through the whole journey.

        Raises:
            Closing: The demo ended first.
        """
        self._sign_up()
        if self._happens(0.2):  # lands in the app at once, and the first page needs a session token
            self.host.mint_token(self.id)
        else:
            self.host.wait_until_active(self.id)
        for application in self.rng.sample(catalogue.applications(), self.rng.choice((2, 2, 3, 3))):
            self._connect(application)
            self._configure(application)
        if self._happens(0.2):
            self._sign_up()
        if self._happens(0.4):
            self._configure(self.rng.choice(self.connected))
        if self._happens(0.3):
            self._remove(self.rng.choice(self.connected))

    def _happens(self, probability: float) -> bool:
        return self.rng.random() < probability

    def _sign_up(self) -> None:
        credentials = {"token": f"secret of {self.id}"} if self._happens(0.2) else None
        udf = {"plan": self.rng.choice(_PLANS), "seats": str(self.rng.randint(1, 500))}
        name = f"{self.id.title()} {self.rng.choice(('Ltd', 'GmbH', 'Inc.'))}"
        self.host.publish(UserSignedUp(self.id, name=name, udf=udf, auth_credentials=credentials))

    # --- connecting ---------------------------------------------------------------------------------------------------

    def _connect(self, application: Application) -> None:
        auth_types = list(application.auth)
        both = len(auth_types) > 1 and self._happens(0.2)
        for auth_type in auth_types if both else [self.rng.choice(auth_types)]:
            self._authorize(application, auth_type)
        self.connected.append(application)

    def _authorize(self, application: Application, auth_type: str) -> None:
        authorized = ConnectionAuthorized(self.id, application.slug, auth_type=auth_type)
        if auth_type == "keybased":
            typed = {auth_input.name: f"{auth_input.label} of {self.id}" for auth_input in application.auth["keybased"]}
            self.host.connect_by_credentials(self.id, application.slug, typed)
            self.host.publish(authorized)
        elif self._happens(0.05):  # the page tells us when the popup opens, which is too early
            self.host.publish(authorized)
            self.host.connect_by_consent(self.id, application.slug)
        else:
            self.host.connect_by_consent(self.id, application.slug)
            self.host.publish(authorized)

    def _remove(self, application: Application) -> None:
        """Disconnect; half of the customers change their mind and reconnect, as fast as they can click."""
        auth_types = list(application.auth)
        only = self.rng.choice(auth_types) if self._happens(0.2) else None
        self.host.publish(ConnectionRemoved(self.id, application.slug, auth_type=only))
        if self._happens(0.5):
            self._authorize(application, only or self.rng.choice(auth_types))
            self._configure(application)

    # --- configuring --------------------------------------------------------------------------------------------------

    def _configure(self, application: Application) -> None:
        """Submit the form several times within a moment, partly with the same fields."""
        config_id = f"{self.id} EU" if self._happens(0.1) else None
        for _ in range(self.rng.randint(2, 6)):
            self.host.publish(
                ConfigChanged(
                    self.id,
                    application.slug,
                    config_id=config_id,
                    fields=some_values(self.rng, application.fields),
                    workflows=some_workflows(self.rng, application),
                )
            )
            self.host.wait(self.rng.uniform(0, 0.05))
