"""A deterministic scheduler: actors run one at a time, from step to step, as a script says; some crash on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import greenlet  # type: ignore[import-untyped]
from hypothesis import strategies as st

from tests.integration.journey.wires import Died, die
from tests.world_clock import WorldClock

#: Actors that are not idle after so many steps are in a livelock.
_MOST_STEPS = 20_000


class Violation(BaseException):
    """A rule is broken that must hold at every moment. It is a BaseException, so that no code of ours catches it."""


@dataclass(frozen=True)
class Turn:
    """One actor runs for so many steps, or until it is idle; or it crashes at the last of them.

    `actor` is its index among the actors that have something to do.
    """

    actor: int
    steps: int
    crashes_at_end: bool = False


@dataclass(frozen=True)
class Pause:
    """No actor runs for so many seconds."""

    seconds: float


Script = Sequence[Turn | Pause]


def scripts(*, actors: int) -> st.SearchStrategy[list[Turn | Pause]]:
    """Return a strategy for scripts with so many actors."""
    dying = st.sampled_from([False] * 5 + [True])
    turns = st.builds(Turn, st.integers(0, actors - 1), st.integers(1, 6), dying)
    pauses = st.builds(Pause, st.sampled_from([0.5, 4.0, 11.0, 16.0, 31.0, 70.0]))
    scenes = st.lists(st.one_of(turns, turns, turns, turns, pauses), min_size=2, max_size=14)
    return st.lists(scenes, min_size=1, max_size=8).map(lambda chosen: [part for scene in chosen for part in scene])


def _always() -> bool:
    return True


class Actor:
    """A function that runs in a greenlet, and is restarted after a crash."""

    def __init__(self, name: str, function: Callable[[], None]) -> None:
        self.name, self._function = name, function
        self.crashes = 0
        self.is_finished = False
        #: Returns whether there is something to do.
        self.may_go_on: Callable[[], bool] = _always
        #: When the call to Cobalt that is under way began.
        self.calling_since: datetime | None = None
        self.is_in_transaction = False
        self.steps_left = 0
        self.crashes_at_end = False
        self._home = greenlet.getcurrent()
        self._greenlet = self._new_greenlet()

    def resume(self) -> None:
        """Run until the next switch back."""
        if not self.is_finished:
            self._greenlet.switch()

    def is_current(self) -> bool:
        """Return whether this actor's code is running now."""
        return self._greenlet is greenlet.getcurrent()

    def end(self) -> None:
        """End the greenlet where it stands."""
        if self._greenlet and not self._greenlet.dead:
            self._greenlet.throw()

    def _new_greenlet(self) -> greenlet.greenlet:
        return greenlet.greenlet(self._run, parent=self._home)

    def _run(self) -> None:
        try:
            self._function()
        except Died:
            self.crashes += 1
            self.calling_since = None
            self.is_in_transaction = False
            self.may_go_on = _always
            self._greenlet = self._new_greenlet()
        else:
            self.is_finished = True


class Scheduler:
    """Decides which actor runs. Every step takes a millisecond.

    Args:
        clock: The clock of the actors' world.
        begin: The time at the beginning.
        longest_call: How long a call may take, in seconds: no pause is longer while one is under way.
    """

    def __init__(self, clock: WorldClock, *, begin: datetime, longest_call: float) -> None:
        self.clock = clock
        self._longest_call = timedelta(seconds=longest_call)
        self._actors: list[Actor] = []
        self._steps = 0
        clock.stop_at(begin)

    @property
    def crashes(self) -> int:
        """The number of crashes."""
        return sum(actor.crashes for actor in self._actors)

    def add(self, name: str, function: Callable[[], None]) -> Actor:
        """Add an actor."""
        self._actors.append(Actor(name, function))
        return self._actors[-1]

    def current(self) -> Actor | None:
        """Return the actor whose code runs now; None if it is the test's own."""
        return next((actor for actor in self._actors if actor.is_current()), None)

    def actor(self) -> Actor:
        """Return the actor whose code runs now, where the test's own code never does."""
        actor = self.current()
        assert actor is not None
        return actor

    # --- what actors do ----------------------------------------------------------------------------------------------

    def step(self, *, may_pause: bool = True) -> None:
        """Mark a point before or after an access to something outside the actor.

        Args:
            may_pause: Whether other actors may run here; not in an open transaction, where the database blocks them.
        """
        actor = self.current()
        if actor is None:
            return
        self._count()
        self.pass_time(0.001)
        actor.steps_left -= 1
        if actor.steps_left <= 0 and actor.crashes_at_end:
            actor.crashes_at_end = False
            die()
        if actor.steps_left <= 0 and may_pause:
            self._switch_back()

    def rest(self, *, until: Callable[[], bool] = _always) -> None:
        """Be idle until `until` returns True."""
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

    def follow(self, script: Script) -> None:
        """Follow a script."""
        for part in script:
            if isinstance(part, Pause):
                self.pass_time(min(part.seconds, self._longest_pause()))
            else:
                busy = [actor for actor in self._actors if not actor.is_finished and actor.may_go_on()]
                self._take_turn(busy[part.actor % len(busy)], steps=part.steps, crashes_at_end=part.crashes_at_end)

    def run_all_until_idle(self) -> None:
        """Run all actors, one after the other, until all are idle."""
        for actor in self._actors:
            self._take_turn(actor, steps=_MOST_STEPS, crashes_at_end=False)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.stop_at(self.clock() + timedelta(seconds=seconds))

    def end(self) -> None:
        """End all actors, and let the clock run again."""
        for actor in self._actors:
            actor.end()
        self.clock.resume()

    def _take_turn(self, actor: Actor, *, steps: int, crashes_at_end: bool) -> None:
        actor.steps_left, actor.crashes_at_end = steps, crashes_at_end
        try:
            actor.resume()
        except Violation as violation:
            raise AssertionError(f"{actor.name}: {violation}") from violation

    def _longest_pause(self) -> float:
        began = [actor.calling_since for actor in self._actors if actor.calling_since is not None]
        return max((min(began, default=self.clock()) + self._longest_call - self.clock()).total_seconds(), 0.0)
