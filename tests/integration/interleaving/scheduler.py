"""A deterministic scheduler: actors run one at a time, from step to step, as a script says; some die on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import greenlet  # type: ignore[import-untyped]
from hypothesis import strategies as st

from tests.integration.journey.wires import Died, die
from tests.world import WorldClock

#: Actors that never come to rest within so many steps are a livelock.
_MOST_STEPS = 20_000


class Violation(BaseException):
    """A rule is broken that holds at every moment. No code of ours may catch it on its way to the test."""


@dataclass(frozen=True)
class Turn:
    """One actor goes on for so many steps, or until it has nothing to do; or it dies at the last of them.

    Its number is its place among those who have something to do.
    """

    actor: int
    steps: int
    dies: bool = False


@dataclass(frozen=True)
class Pause:
    """Nobody does anything for so many seconds."""

    seconds: float


Script = Sequence[Turn | Pause]


def scripts(*, actors: int) -> st.SearchStrategy[list[Turn | Pause]]:
    """Scripts for so many actors."""
    dying = st.sampled_from([False] * 5 + [True])
    turns = st.builds(Turn, st.integers(0, actors - 1), st.integers(1, 6), dying)
    pauses = st.builds(Pause, st.sampled_from([0.5, 4.0, 11.0, 16.0, 31.0, 70.0]))
    scenes = st.lists(st.one_of(turns, turns, turns, turns, pauses), min_size=2, max_size=14)
    return st.lists(scenes, min_size=1, max_size=8).map(lambda chosen: [part for scene in chosen for part in scene])


def _always() -> bool:
    return True


class Actor:
    """Somebody who lives in a greenlet, and who lives again after a death."""

    def __init__(self, name: str, life: Callable[[], None]) -> None:
        self.name, self._life = name, life
        self.deaths = 0
        self.is_finished = False
        #: Whether there is something to do.
        self.may_go_on: Callable[[], bool] = _always
        #: When the call that is on its way to Cobalt began.
        self.calling_since: datetime | None = None
        self.is_in_transaction = False
        self.steps_left = 0
        self.dies = False
        self._home = greenlet.getcurrent()
        self._greenlet = self._be_born()

    def go_on(self) -> None:
        """Live until the next switch back."""
        if not self.is_finished:
            self._greenlet.switch()

    def is_here(self) -> bool:
        """Whether this actor's code is what runs now."""
        return self._greenlet is greenlet.getcurrent()

    def end(self) -> None:
        """End this life where it stands."""
        if self._greenlet and not self._greenlet.dead:
            self._greenlet.throw()

    def _be_born(self) -> greenlet.greenlet:
        return greenlet.greenlet(self._live, parent=self._home)

    def _live(self) -> None:
        try:
            self._life()
        except Died:
            self.deaths += 1
            self.calling_since = None
            self.is_in_transaction = False
            self.may_go_on = _always
            self._greenlet = self._be_born()
        else:
            self.is_finished = True


class Scheduler:
    """Decides who goes on. Every step takes a millisecond.

    Args:
        clock: the clock of the world that the actors live in.
        begin: the time at the beginning.
        longest_call: how long a call may be on its way, in seconds: no pause is longer for anybody who makes one.
    """

    def __init__(self, clock: WorldClock, *, begin: datetime, longest_call: float) -> None:
        self.clock = clock
        self._longest_call = timedelta(seconds=longest_call)
        self._actors: list[Actor] = []
        self._steps = 0
        clock.stand_at(begin)

    @property
    def deaths(self) -> int:
        """How often somebody died."""
        return sum(actor.deaths for actor in self._actors)

    def add(self, name: str, life: Callable[[], None]) -> Actor:
        """Have one more actor."""
        self._actors.append(Actor(name, life))
        return self._actors[-1]

    def current(self) -> Actor | None:
        """The actor whose code runs now; None: the test's own."""
        return next((actor for actor in self._actors if actor.is_here()), None)

    def actor(self) -> Actor:
        """The same, where the test's own code never runs."""
        actor = self.current()
        assert actor is not None
        return actor

    # --- what actors do ----------------------------------------------------------------------------------------------

    def step(self, *, may_pause: bool = True) -> None:
        """Something outside is about to be touched, or just was.

        Args:
            may_pause: whether others may go on here. False: in an open transaction, where the database lets nobody.
        """
        actor = self.current()
        if actor is None:
            return
        self._count()
        self.pass_time(0.001)
        actor.steps_left -= 1
        if actor.steps_left <= 0 and actor.dies:
            actor.dies = False
            die()
        if actor.steps_left <= 0 and may_pause:
            self._switch_back()

    def rest(self, *, until: Callable[[], bool] = _always) -> None:
        """There is nothing to do for now; `until` knows when there is again."""
        actor = self.actor()
        actor.may_go_on = until
        self._switch_back()
        actor.may_go_on = _always

    def _switch_back(self) -> None:
        greenlet.getcurrent().parent.switch()

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise Violation("this never ends")

    # --- what the test does ------------------------------------------------------------------------------------------

    def play(self, script: Script) -> None:
        """Go by a script."""
        for part in script:
            if isinstance(part, Pause):
                self.pass_time(min(part.seconds, self._patience()))
            else:
                busy = [actor for actor in self._actors if not actor.is_finished and actor.may_go_on()]
                self._take_turn(busy[part.actor % len(busy)], steps=part.steps, dies=part.dies)

    def let_all_rest(self) -> None:
        """Let everybody go on, one after the other, until nobody has anything to do."""
        for actor in self._actors:
            self._take_turn(actor, steps=_MOST_STEPS, dies=False)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.stand_at(self.clock() + timedelta(seconds=seconds))

    def end(self) -> None:
        """End all lives; the clock goes on as it does elsewhere."""
        for actor in self._actors:
            actor.end()
        self.clock.move_on()

    def _take_turn(self, actor: Actor, *, steps: int, dies: bool) -> None:
        actor.steps_left, actor.dies = steps, dies
        try:
            actor.go_on()
        except Violation as violation:
            raise AssertionError(f"{actor.name}: {violation}") from violation

    def _patience(self) -> float:
        began = [actor.calling_since for actor in self._actors if actor.calling_since is not None]
        return max((min(began, default=self.clock()) + self._longest_call - self.clock()).total_seconds(), 0.0)
