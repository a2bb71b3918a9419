"""A worker may die at any point: between two calls, in the middle of one, before a COMMIT or after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine
from sqlalchemy import event as engine_event

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from tests.effort import tries
from tests.integration.journey.replay import check_history
from tests.integration.journey.stories import Stage, Story, stories
from tests.integration.journey.wires import Died, Wire, die, workers_over
from tests.world import World


class Doom:
    """Counts the steps of the workers and lets them die at the chosen ones.

    Args:
        gaps: how many steps to live, then after the restart how many more, and so on; in the end it is spared.
    """

    def __init__(self, gaps: list[int]) -> None:
        self._gaps = list(gaps)
        self._steps = 0
        self.is_on = False

    def step(self, *_details: object) -> None:
        """Something is about to happen, or just did."""
        if not self.is_on or not self._gaps:
            return
        self._steps += 1
        if self._steps == self._gaps[0]:
            self._steps = 0
            self._gaps.pop(0)
            die()

    def transaction_step(self, connection: Connection) -> None:
        """A transaction begins, which is the moment after the COMMIT before it, or commits."""
        if not connection.get_execution_options().get("reading"):
            self.step()


@contextmanager
def watched(engine: Engine, doom: Doom) -> Iterator[None]:
    for name in ("begin", "commit"):
        engine_event.listen(engine, name, doom.transaction_step)
    try:
        yield
    finally:
        for name in ("begin", "commit"):
            engine_event.remove(engine, name, doom.transaction_step)


def through_deaths(world: World, doom: Doom) -> Callable[[Callable[[], None]], bool]:
    """Does work until the workers die; then their leases run out, and others take over when there is more to do."""

    def carry_out(work: Callable[[], None]) -> bool:
        world.attempts = workers_over(world, Wire(world, before=doom.step, after=doom.step))
        try:
            doom.is_on = True
            work()
        except Died:
            event("died")
            world.clock.pass_time(world.settings.lease_ttl.total_seconds() + 1)
            return False
        finally:
            doom.is_on = False
        return True

    return carry_out


#: How the sandbox behaves where the documentation is silent.
switches: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"upsert_left_out": "kept", "null_values": "cleared"},
        {"upsert_left_out": "cleared", "null_values": "stored"},
    ]
)


@pytest.fixture(scope="module")
def stage(make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage({})


def assert_ends_like_the_sorted_one(stage: Stage, story: Story, through: Callable[[Callable[[], None]], bool]) -> None:
    mirror, truth = stage.perform_in_order(story)
    other_mirror, other_truth = stage.perform(story, story.batches, through=through)

    assert other_truth == truth
    for kind, rows in mirror.items():  # looking again may show the mirror more, never anything else than the truth
        assert rows.items() <= other_mirror[kind].items()
        assert other_mirror[kind].items() <= truth[kind].items()
    assert_nothing_is_left(stage.world, story)


def assert_nothing_is_left(world: World, story: Story) -> None:
    assert world.rows("checks") == []
    assert [row for row in world.rows("work") if row["lease_token"] is not None] == []
    for row in world.rows("events", status="dead"):  # only what Cobalt refuses for good
        assert story.is_refused(row["id"]), row["last_error"]
    check_history(world)


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    story=stories(), behaviour=switches, gaps=st.lists(st.integers(min_value=1, max_value=25), min_size=1, max_size=4)
)
def test_deaths_at_any_points_end_like_an_undisturbed_delivery(
    stage: Stage, story: Story, behaviour: dict[str, Any], gaps: list[int]
) -> None:
    stage.world.sandbox.change_settings(**behaviour)
    doom = Doom(gaps)
    with watched(stage.world.engine, doom):
        assert_ends_like_the_sorted_one(stage, story, through_deaths(stage.world, doom))


#: What may happen to a call without being anybody's fault, and without anything landing later.
TROUBLES = [
    Fault(answer=Answer.TIMEOUT),
    Fault(answer=Answer.TIMEOUT, effect=Effect.DONE),
    Fault(answer=Answer.CLOSED),
    Fault(answer=Answer.CLOSED, effect=Effect.DONE),
    Fault(answer=Answer.ERROR),
    Fault(answer=Answer.ERROR, effect=Effect.DONE),
    Fault(answer=Answer.THROTTLE),
    Fault(answer=Answer.HTML),
    Fault(answer=Answer.HTML, effect=Effect.DONE),
    Fault(answer=Answer.HTML, effect=Effect.DONE, status=404),
    Fault(answer=Answer.TRUNCATED),
]


@st.composite
def scripts(draw: st.DrawFn) -> list[Fault]:
    """Faults for the first so many calls, with good ones in between."""
    fine = Fault(answer=Answer.NORMAL)
    chosen = draw(st.lists(st.sampled_from([fine, fine, *TROUBLES]), min_size=1, max_size=15))
    return [fault.model_copy(update={"times": 1}) for fault in chosen]


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), behaviour=switches, script=scripts())
def test_troubles_on_the_wire_end_like_an_undisturbed_delivery(
    stage: Stage, story: Story, behaviour: dict[str, Any], script: list[Fault]
) -> None:
    stage.world.sandbox.change_settings(**behaviour)
    is_first = True

    def through(work: Callable[[], None]) -> bool:
        nonlocal is_first
        if is_first:
            stage.world.sandbox.add_faults(*script)
        is_first = False
        work()
        return True

    assert_ends_like_the_sorted_one(stage, story, through)
