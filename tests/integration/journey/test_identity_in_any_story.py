"""Whatever a customer, Cobalt and the news do: what was connected when it was removed goes, and nothing else does.

A story is told in steps of at least a second, about one application. Tokens are renewed at any moment. The customer
connects, and connects again with a disconnect or without; the host and Cobalt tell of it as they do in real life, at
once or a little later, or the news is lost. Workers come or do not come in between. The oracle knows only what the
customer did and what the rule says of lost news: a reconnection without a disconnect is taken for a renewal.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from cobalt_mirror.events import ConnectionRemoved
from tests.effort import timeout, tries
from tests.integration.journey.customers import Customer
from tests.world import World

pytestmark = pytest.mark.timeout(timeout(900))  # a minute of work, and a shared machine is no reason to fail

#: Connects once; once for each of two auth types; holds several connections.
ONCE, TYPES, SEVERAL = "slack", "hubspot", "xero"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a story, and how many seconds pass before it.

    Attributes:
        what: what happens.
        which: which of the auth types or connections, by number; a removal of number 0 names none.
        news: how it is told that the customer connected: an authorisation, a notification, both, or nothing.
        delay: how many seconds later it is told.
    """

    what: str
    seconds: int
    which: int
    news: str
    delay: int


STEPS = st.builds(
    Step,
    what=st.sampled_from(["connect", "connect", "renew", "renew", "remove", "remove", "disconnect", "work"]),
    seconds=st.sampled_from([1, 2, 4, 9, 31]),
    which=st.integers(min_value=0, max_value=2),
    news=st.sampled_from(["authorised", "notified", "both", "lost"]),
    delay=st.sampled_from([0, 0, 3, 8]),
)


@dataclass(slots=True, kw_only=True)
class Consent:
    """That the customer connected. `waiting`: the removals that no worker had carried out yet."""

    at: datetime
    is_told: bool
    waiting: list[ConnectionRemoved] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Thing:
    """One connected account: its auth type or id, and every consent since it was first connected."""

    auth_type: str
    connection_id: str | None
    consents: list[Consent]

    @property
    def name(self) -> str:
        return self.connection_id or self.auth_type

    def named(self) -> dict[str, str]:
        """How a host names it."""
        return {"auth_type": self.auth_type} if self.connection_id is None else {"connection_id": self.connection_id}

    def must_go(self, removals: list[ConnectionRemoved]) -> bool:
        """Whether a removal means it."""
        return any(self._is_meant(removal) for removal in removals if self._is_named_by(removal))

    def _is_named_by(self, removal: ConnectionRemoved) -> bool:
        return removal.auth_type in {None, self.auth_type} and removal.connection_id in {None, self.connection_id}

    def _is_meant(self, removal: ConnectionRemoved) -> bool:
        if removal.occurred_at < self.consents[0].at:
            return False
        later = [consent for consent in self.consents if consent.at > removal.occurred_at]
        # A reconnection of which no news came, while the removal waited, is taken for a renewed token.
        return not any(consent.is_told or removal not in consent.waiting for consent in later)


class Teller:
    """Tells a story to the end, and knows what must come of it."""

    def __init__(self, customer: Customer, slug: str) -> None:
        self.customer, self.world, self.slug = customer, customer.world, slug
        self.things: list[Thing] = []
        self.removals: list[ConnectionRemoved] = []
        self._news: list[tuple[datetime, Callable[[], object]]] = []

    def tell(self, steps: list[Step]) -> None:
        """Carry out the steps, then let the workers finish, and have everything read once more."""
        for step in steps:
            self._pass(step.seconds)
            getattr(self, f"_{step.what}")(step)
            self._assert_only_what_must_go_is_gone()
        self._pass(10)
        self.world.work_until_quiet()
        self.customer.read_again(self.slug)

    def settle(self, number: int) -> None:
        """Begin with so many connected accounts that the mirror has known for a while."""
        for which in range(number):
            self._connect(Step(what="connect", seconds=0, which=2 * which, news="both", delay=0))
        self.world.work_until_quiet()
        self._pass(31)

    def connected(self) -> list[str]:
        return self.customer.connected(self.slug)

    def _assert_only_what_must_go_is_gone(self) -> None:
        gone = [each for each in self.things if each.name not in self.connected()]
        assert [each for each in gone if not each.must_go(self.removals)] == []
        self.things = [each for each in self.things if each not in gone]

    def _pass(self, seconds: int) -> None:
        """Let time pass, and tell what is due to be told."""
        ends = self.world.clock() + timedelta(seconds=seconds)
        for moment, tells in sorted(self._news, key=lambda each: each[0]):
            if moment <= ends:
                self.world.clock.stop_at(max(moment, self.world.clock()))
                tells()
        self._news = [each for each in self._news if each[0] > ends]
        self.world.clock.stop_at(ends)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _work(self, _step: Step) -> None:
        self.world.work()

    def _renew(self, step: Step) -> None:
        if thing := self._chosen(step):
            self.customer.renew(self.slug, **thing.named())

    def _disconnect(self, step: Step) -> None:
        if thing := self._chosen(step):
            self.customer.disconnect(self.slug, **thing.named())
            self.customer.notifications()
            self.things.remove(thing)

    def _remove(self, step: Step) -> None:
        named = self.things[(step.which - 1) % len(self.things)].named() if step.which and self.things else {}
        self.removals.append(self.customer.leaves(self.slug, **named))

    def _connect(self, step: Step) -> None:
        thing = self._find(step)
        again = {} if thing is None or thing.connection_id is None else {"connection_id": thing.connection_id}
        auth_type = self._auth_type(step)
        connection_id = self.customer.connect(self.slug, auth_type=auth_type, **again) or None
        waiting = [each for each in self.removals if self.world.event(each)["status"] == "pending"]
        if thing is None:
            thing = Thing(auth_type=auth_type, connection_id=connection_id, consents=[])
            self.things.append(thing)
        news = self._news_of(step)
        thing.consents.append(Consent(at=self.world.clock(), is_told=news != "lost", waiting=waiting))
        self._tell_of(thing, news, after=self._delay(step, waiting))

    # --- choices ------------------------------------------------------------------------------------------------------

    def _find(self, step: Step) -> Thing | None:
        """Return what is connected again; None: it is a new one."""
        if self.slug == SEVERAL:
            return self.things[step.which - 1] if 0 < step.which <= len(self.things) else None
        return next((each for each in self.things if each.auth_type == self._auth_type(step)), None)

    def _auth_type(self, step: Step) -> str:
        return "keybased" if self.slug == TYPES and step.which % 2 == 0 else "oauth2"

    def _chosen(self, step: Step) -> Thing | None:
        return self.things[step.which % len(self.things)] if self.things else None

    def _news_of(self, step: Step) -> str:
        """How it is told. Where there may be several, a host names which: without that, nothing can tell."""
        if self.slug == ONCE:
            return step.news
        return "both" if step.news in {"both", "notified"} else "authorised"

    def _delay(self, step: Step, waiting: list[ConnectionRemoved]) -> int:
        """News may come late as long as no worker has begun to wait for it."""
        has_begun = any(self.world.event(each)["looks"] for each in waiting)
        return 0 if has_begun else step.delay

    def _tell_of(self, thing: Thing, news: str, *, after: int) -> None:
        sent, now = self.customer.notifications(), self.world.clock()
        named = {} if self.slug == ONCE else thing.named()

        def tells() -> None:
            if news in {"authorised", "both"}:
                self.customer.authorised(self.slug, at=now, **named)
            if news in {"notified", "both"}:
                self.customer.deliver([each for each in sent if each["event"] == "Connection Created"])

        if after:
            self._news.append((now + timedelta(seconds=after), tells))
        else:
            tells()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on each of the databases, kept for all examples."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            file = tmp_path_factory.mktemp("stage") / "mirror.db"
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
            url = f"sqlite:///{file}"
        else:
            url = stack.enter_context(request.getfixturevalue("database_pool").database())
        world = World(url)
        stack.callback(world.close)
        yield world


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(settled=st.integers(min_value=0, max_value=2), steps=st.lists(STEPS, min_size=2, max_size=9))
@pytest.mark.parametrize("slug", [ONCE, TYPES, SEVERAL])
def test_what_was_connected_when_it_was_removed_goes_and_what_came_after_stays(
    stage: World, slug: str, settled: int, steps: list[Step]
) -> None:
    teller = Teller(Customer(stage), slug)
    teller.settle(min(settled, 1) if slug == ONCE else settled)
    teller.tell(steps)

    must_stay = [each for each in teller.things if not each.must_go(teller.removals)]
    event(f"{len(must_stay)} stay of {len(teller.things)}")
    assert teller.connected() == sorted(each.name for each in must_stay)
    assert stage.mirror() == stage.truth()
    assert set(stage.statuses(teller.removals)) <= {"done"}
