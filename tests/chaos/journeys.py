"""The plan's customers: what they click, what the host publishes of it, and when and in what order it arrives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox import catalogue
from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.workers.demo.form import some_values, some_workflows
from tests.chaos.options import Options
from tests.chaos.steps import NO_APPLICATION, REFUSED, ByHand, Planned, Publish

_PLANS = ("free", "team", "enterprise")
#: The furthest that a host's clock is wrong, in seconds; events may claim to be up to five minutes ahead.
_SKEW_SECONDS = 270.0

Steps = Iterator[Publish | ByHand]


def plan_customers(options: Options) -> Steps:
    """Every customer's journey, cut off where the run ends."""
    number = options.times(options.rates.customers)
    for index in range(number):
        arrives = 1.0 + options.duration * 0.85 * index / max(number, 1)
        customer = Customer.numbered(index, seed=options.seed, arrives=arrives)
        for step in customer.live():
            if step.at <= options.duration:
                yield step


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer who clicks at random, but the same way again for the same seed."""

    id: str
    chance: Random
    now: float
    events: int = 0
    connected: list[tuple[Application, str]] = field(default_factory=list)

    @classmethod
    def numbered(cls, number: int, *, seed: int, arrives: float) -> "Customer":
        """The customer with this number; every 25th has an id that tests what an id may hold."""
        id_ = f"zoë & söhne/{number}" if number % 25 == 24 else f"customer-{number:04}"
        return cls(id=id_, chance=Random(f"{seed}/customer/{number}"), now=arrives)

    def live(self) -> Steps:
        """The whole journey; some leave for good, and some of those come back."""
        yield from self._sign_up()
        for application in self.chance.sample(catalogue.applications(), self.chance.choice((1, 2, 2, 3))):
            yield from self._connect(application)
        if self._happens(0.3):
            yield from self._sign_up()
        if self._happens(0.4):
            yield from self._remove()
        if self._happens(0.1):
            yield from self._blunder()
        if self._happens(0.15):
            yield from self._leave()

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _think(self, longest: float) -> None:
        self.now += self.chance.uniform(0, longest)

    # --- what they do -------------------------------------------------------------------------------------------------

    def _sign_up(self) -> Steps:
        credentials = {"token": f"secret of {self.id}"} if self._happens(0.2) else None
        udf = {"plan": self.chance.choice(_PLANS), "seats": str(self.chance.randint(1, 500))}
        name = f"{self.id.title()} {self.chance.choice(('Ltd', 'GmbH', 'Inc.'))}"
        yield from self._happened(UserSignedUp, name=name, udf=udf, auth_credentials=credentials)
        self._think(4)

    def _connect(self, application: Application) -> Steps:
        auth_types = list(application.auth)
        both = len(auth_types) > 1 and self._happens(0.3)
        for auth_type in auth_types if both else [self.chance.choice(auth_types)]:
            yield from self._authorize(application, auth_type)
        yield from self._configure(application)

    def _authorize(self, application: Application, auth_type: str) -> Steps:
        arguments = {"linked_account_id": self.id, "slug": application.slug, "auth_type": auth_type}
        is_early = self._happens(0.1)  # the page tells of the popup before the customer clicked in it
        yield ByHand(at=self.now + (1.5 if is_early else 0), action="connect", arguments=arguments, insists=True)
        self.now += 0.1
        published_auth_type = auth_type if self._happens(0.7) else None
        yield from self._happened(ConnectionAuthorized, slug=application.slug, auth_type=published_auth_type)
        self.connected.append((application, auth_type))
        self._think(4)

    def _configure(self, application: Application) -> Steps:
        """Fiddle with the form: several changes within a moment, some of the same field."""
        config_id = f"{self.id} EU" if self._happens(0.1) else None
        for _ in range(self.chance.randint(1, 5)):
            yield from self._happened(
                ConfigChanged,
                slug=application.slug,
                config_id=config_id,
                fields=some_values(self.chance, application.fields),
                workflows=some_workflows(self.chance, application),
            )
            self._think(0.3)
        self._think(5)

    def _remove(self) -> Steps:
        """Disconnect; half of them change their mind and reconnect, as fast as they can click."""
        application, auth_type = self.chance.choice(self.connected)
        only = auth_type if self._happens(0.3) else None
        yield from self._happened(ConnectionRemoved, slug=application.slug, auth_type=only)
        self._think(2)
        if self._happens(0.6):
            yield from self._authorize(application, auth_type)
            yield from self._configure(application)

    def _blunder(self) -> Steps:
        """Publish an event that can never succeed."""
        if self._happens(0.5):
            yield from self._happened(ConfigChanged, slug="slack", mark=REFUSED, fields={"channel": 5})
        else:
            yield from self._happened(ConnectionAuthorized, slug=NO_APPLICATION, mark=REFUSED)

    def _leave(self) -> Steps:
        yield from self._happened(UserDeleted)
        self._think(6)
        if self._happens(0.5):
            yield from self._sign_up()
            yield from self._connect(self.chance.choice(catalogue.applications()))

    # --- what becomes known of it -------------------------------------------------------------------------------------

    def _happened(self, kind: type[Event], *, mark: str = "", **fields: Any) -> Steps:
        """The event: mostly at once and once, else late, twice, or by a clock that is wrong."""
        self.events += 1
        skew = self.chance.uniform(-_SKEW_SECONDS, _SKEW_SECONDS) if self._happens(0.08) else 0.0
        planned = Planned(
            kind=kind,
            id=f"{self.id} {self.events:03}{f' {mark}' if mark else ''}",
            occurred=self.now + skew,
            fields={"linked_account_id": self.id, **fields},
        )
        delay = self.chance.uniform(0, 15) if self._happens(0.15) else self.chance.uniform(0, 0.2)
        yield Publish(at=self.now + delay, events=(planned,))
        if self._happens(0.1):
            yield Publish(at=self.now + delay + self.chance.uniform(0, 20), events=(planned,))
        self.now += 0.01


# --- the dashboard ----------------------------------------------------------------------------------------------------


def plan_dashboard(options: Options, journeys: list[Publish | ByHand]) -> Iterator[ByHand]:
    """Changes by hand, to accounts and connections that should be there by then."""
    chance = Random(f"{options.seed}/dashboard")
    consents = sorted(
        (step for step in journeys if isinstance(step, ByHand) and step.action == "connect"), key=lambda step: step.at
    )
    for _ in range(options.times(options.rates.dashboard)):
        at = chance.uniform(min(10, options.duration / 3), options.duration)
        there = [step.arguments for step in consents if step.at < at - 3][-40:]
        if there:
            yield _change(chance, at, chance.choice(there))


def _change(chance: Random, at: float, consent: Any) -> ByHand:
    account = {"linked_account_id": consent["linked_account_id"]}
    link = {**account, "slug": consent["slug"]}
    application = next(item for item in catalogue.applications() if item.slug == consent["slug"])
    texts = [item.id for item in application.fields if item.field_type == "text"]
    choices: list[tuple[str, dict[str, Any]]] = [
        ("rename_account", {**account, "name": f"renamed {chance.randint(1, 99)}"}),
        ("set_udf", {**account, "udf": {"plan": "by hand"}}),
        ("disconnect", {**link, "auth_type": consent["auth_type"]}),
        ("expire_connection", link),
        ("recover_connection", link),
        ("edit_config", {**link, "fields": {item: f"by hand {chance.randint(1, 99)}" for item in texts[:1]}}),
        ("delete_config", link),
        ("delete_account", account),
    ]
    action, arguments = chance.choices(choices, weights=(3, 2, 2, 3, 3, 3, 1, 1))[0]
    return ByHand(at=at, action=action, arguments=arguments)
