"""The plan's customers: what they click, what the host publishes of it, and when and in what order it arrives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox import catalogue
from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.events import (
    ConfigChanged,
    ConfigRemoved,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.workers.demo.form import some_values, some_workflows
from tests.chaos.options import Options
from tests.chaos.steps import NO_APPLICATION, REFUSED, ByHand, Opened, Planned, Publish

_PLANS = ("free", "team", "enterprise")
_TEAMS = ("sales", "support", "finance")
_SEVERAL = tuple(each for each in catalogue.whole_catalogue() if each.has_multi_auth_enabled)
_OTHERS = tuple(each for each in catalogue.whole_catalogue() if not each.has_multi_auth_enabled)
#: The furthest that a host's clock is wrong, in seconds; events may claim to be up to five minutes ahead.
_SKEW_SECONDS = 270.0
#: How credentials begin, so that they are found where they must not be.
CREDENTIALS = "secret of"

Steps = Iterator[Publish | ByHand]


def plan_customers(options: Options) -> Steps:
    """Every customer's journey, cut off where the run ends."""
    number = options.times(options.rates.customers)
    for index in range(number):
        arrives = 1.0 + options.duration * 0.85 * index / max(number, 1)
        customer = Customer.numbered(index, seed=options.seed, arrives=arrives, has_renewals=options.rates.renewals > 0)
        for step in customer.live():
            if step.at <= options.duration:
                yield step


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One connected account."""

    application: Application
    auth_type: str
    opened: Opened

    @property
    def named(self) -> Opened | None:
        """What names it, where the application holds several connections."""
        return self.opened if self.application.has_multi_auth_enabled else None


@dataclass(slots=True, kw_only=True)
class Customer:
    """A customer who clicks at random, but the same way again for the same seed."""

    id: str
    chance: Random
    now: float
    has_renewals: bool = True
    events: int = 0
    opened: int = 0
    connected: list[Link] = field(default_factory=list)

    @classmethod
    def numbered(cls, number: int, *, seed: int, arrives: float, has_renewals: bool) -> "Customer":
        """The customer with this number; every 25th has an id that tests what an id may hold."""
        id_ = f"zoë & söhne/{number}" if number % 25 == 24 else f"customer-{number:04}"
        chance = Random(f"{seed}/customer/{number}")
        return cls(id=id_, chance=chance, now=arrives, has_renewals=has_renewals)

    def live(self) -> Steps:
        """The whole journey; some leave for good, and some of those come back."""
        yield from self._sign_up()
        applications = self.chance.sample(_OTHERS, self.chance.choice((1, 2, 2, 3)))
        if self._happens(0.35):
            applications[0] = self.chance.choice(_SEVERAL)
        for application in applications:
            yield from self._connect(application)
        if self._happens(0.3):
            yield from self._sign_up()
        if self._happens(0.6):
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
        credentials = {"token": f"{CREDENTIALS} {self.id}"} if self._happens(0.2) else None
        udf = {"plan": self.chance.choice(_PLANS), "seats": str(self.chance.randint(1, 500))}
        name = f"{self.id.title()} {self.chance.choice(('Ltd', 'GmbH', 'Inc.'))}"
        yield from self._happened(UserSignedUp, name=name, udf=udf, auth_credentials=credentials)
        self._think(4)

    def _connect(self, application: Application) -> Steps:
        if application.has_multi_auth_enabled:
            yield from self._connect_several(application)
            return
        auth_types = list(application.auth)
        both = len(auth_types) > 1 and self._happens(0.3)
        for auth_type in auth_types if both else [self.chance.choice(auth_types)]:
            yield from self._authorize(application, auth_type, self._new_connection())
        yield from self._configure(application, None)

    def _connect_several(self, application: Application) -> Steps:
        """Open some connections. The only one needs no name in changes of its config."""
        number = self.chance.choice((1, 2, 2, 3))
        for _ in range(number):
            opened = self._new_connection()
            yield from self._authorize(application, self.chance.choice(list(application.auth)), opened)
            yield from self._configure(application, None if number == 1 and self._happens(0.5) else opened)

    def _new_connection(self) -> Opened:
        self.opened += 1
        return Opened(f"{self.id} {self.opened}")

    def _authorize(
        self, application: Application, auth_type: str, opened: Opened, *, again: Opened | None = None
    ) -> Steps:
        """Connect, and tell of it.

        Args:
            application: the application.
            auth_type: how.
            opened: what is connected now.
            again: the same, as it was connected before; None: it was not.
        """
        link = Link(application=application, auth_type=auth_type, opened=opened)
        arguments: dict[str, Any] = {"linked_account_id": self.id, "slug": application.slug, "auth_type": auth_type}
        if link.named is not None:
            arguments |= self._about(application) if again is None else {"connection_id": again}
        is_early = self._happens(0.1)  # the page tells of the popup before the customer clicked in it
        connects_at = self.now + (1.5 if is_early else 0)
        yield ByHand(at=connects_at, action="connect", arguments=arguments, opens=opened, insists=True)
        self.now += 0.1
        yield from self._happened(
            ConnectionAuthorized,
            needs=None if is_early else opened,
            slug=application.slug,
            auth_type=auth_type if self._happens(0.7) else None,
            connection_id=None if is_early or self._happens(0.3) else link.named,
        )
        self.connected.append(link)
        self._think(4)

    def _about(self, application: Application) -> dict[str, Any]:
        """What a page says of a new connection."""
        profile = self.chance.choice(application.auth_profiles)
        return {"auth_profile_id": profile.id, "user_defined_fields": {"team": self.chance.choice(_TEAMS)}}

    def _configure(self, application: Application, opened: Opened | None) -> Steps:
        """Fiddle with the form: several changes within a moment, some of the same field."""
        config_id = f"{self.id} EU" if self._happens(0.1) else None
        for _ in range(self.chance.randint(1, 5)):
            yield from self._happened(
                ConfigChanged,
                slug=application.slug,
                config_id=config_id,
                fields=some_values(self.chance, application.fields),
                workflows=some_workflows(self.chance, application),
                connection_id=opened,
            )
            self._think(0.3)
        if self._happens(0.15):  # and start again, or not
            about: dict[str, Any] = {"slug": application.slug, "config_id": config_id, "connection_id": opened}
            yield from self._happened(ConfigRemoved, **about)
            if self._happens(0.5):
                yield from self._happened(ConfigChanged, fields=some_values(self.chance, application.fields), **about)
        self._think(5)

    def _remove(self) -> Steps:
        """Disconnect; half of them change their mind and reconnect, as fast as they can click."""
        link = self.chance.choice(self.connected)
        fields: dict[str, Any] = {
            "slug": link.application.slug,
            "auth_type": link.auth_type if self._happens(0.3) else None,
            "connection_id": link.named if self._happens(0.6) else None,
        }
        renewal = ByHand(
            at=self.chance.uniform(0, 1.5),
            action="renew_token",
            arguments={"linked_account_id": self.id, **fields},
        )
        then = renewal if self._happens(0.8) and self.has_renewals else None
        yield from self._happened(ConnectionRemoved, needs=link.opened, then=then, **fields)
        self._think(2)
        if not self._happens(0.6):
            return
        again = link.opened if link.named is None or self._happens(0.5) else None
        opened = self._new_connection()
        yield from self._authorize(link.application, link.auth_type, opened, again=again)
        yield from self._configure(link.application, None if link.named is None else opened)

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
            yield from self._connect(self.chance.choice(catalogue.whole_catalogue()))

    # --- what becomes known of it -------------------------------------------------------------------------------------

    def _happened(
        self,
        kind: type[Event],
        *,
        mark: str = "",
        needs: Opened | None = None,
        then: ByHand | None = None,
        **fields: Any,
    ) -> Steps:
        """The event: mostly at once and once, else late, twice, or by a clock that is wrong."""
        self.events += 1
        skew = self.chance.uniform(-_SKEW_SECONDS, _SKEW_SECONDS) if self._happens(0.08) else 0.0
        planned = Planned(
            kind=kind,
            id=f"{self.id} {self.events:03}{f' {mark}' if mark else ''}",
            occurred=self.now + skew,
            fields={"linked_account_id": self.id, **fields},
            needs=needs,
            skew=skew,
        )
        delay = self.chance.uniform(0, 15) if self._happens(0.15) else self.chance.uniform(0, 0.2)
        yield Publish(at=self.now + delay, events=(planned,), then=then)
        if self._happens(0.1):
            yield Publish(at=self.now + delay + self.chance.uniform(0, 20), events=(planned,))
        self.now += 0.01
