"""However a host, a relay and two workers take turns, and wherever one of them dies: all ends as if nothing had been.

Every step that touches the outside is a place to stop or die: before and after each transaction, each call, each
message. Messages are lost and come twice. Time passes anywhere, so leases run out under workers that live.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from cobalt_mirror.db import tables
from cobalt_mirror.events import Event, UserDeleted
from cobalt_mirror.events.publish import publish_with
from tests.effort import tries
from tests.integration.interleaving.cast import ACTORS, Fate, Play, fates, playing
from tests.integration.interleaving.scheduler import Pause, Turn, scripts
from tests.integration.journey.stories import BASE, Planned, Stage, Story, stories
from tests.integration.journey.test_crashes import assert_nothing_is_left, switches
from tests.integration.offboarding import test_any_order as lives
from tests.world import World

pytestmark = pytest.mark.timeout(900)  # half a minute of work, and a shared machine is no reason to fail

BEGIN = BASE + timedelta(days=1)


@pytest.fixture(scope="module")
def stage(stage_world: World) -> Stage:
    return Stage(stage_world)


def publish_on(stage: Stage, planned: Planned) -> None:
    stage.publish(planned, at=stage.world.clock())


def publish_in(world: World, event: Event) -> None:
    """Publish at the time that the world's clock shows."""
    now, ours = world.clock(), tables.events.c.id == event.id
    with world.engine.begin() as connection:
        (receipt,) = publish_with(world.settings, [event], connection)
        if receipt.is_new:
            connection.execute(tables.events.update().where(ours).values(recorded_at=now, due_at=now))


def tell(play: Play) -> None:
    """Have hypothesis count what the examples are like."""
    event(f"{min(play.scheduler.deaths, 4)} deaths")
    event(f"{min(play.watch.taken_over, 3)} times taken over")
    event(f"{min(play.watch.late_writes, 2)} late writes")


@settings(
    max_examples=tries(500),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), behaviour=switches, script=scripts(actors=ACTORS), fates=fates)
def test_all_interleavings_end_like_an_undisturbed_delivery(
    stage: Stage, story: Story, behaviour: dict[str, Any], script: list[Turn | Pause], fates: list[Fate]
) -> None:
    world = stage.world
    world.sandbox.change_settings(**behaviour)
    mirror, truth = stage.perform_in_order(story)
    stage.set_up(story)
    with playing(world, begin=BEGIN, fates=fates) as play:
        order = [story.events[number] for batch in story.batches for number in batch]
        play.perform([partial(publish_on, stage, planned) for planned in order], script)
        other_mirror, other_truth = world.mirror(), world.truth()
    tell(play)

    assert world.rows("events", status="pending") == []
    if not play.watch.late_writes:
        assert other_truth == truth
        for kind, rows in mirror.items():  # looking again may show the mirror more, never anything else than the truth
            assert rows.items() <= other_mirror[kind].items()
    assert other_mirror["configs"] == other_truth["configs"]
    for kind, rows in other_mirror.items():
        assert rows.items() <= other_truth[kind].items()
    assert_nothing_is_left(world, story)


@settings(
    max_examples=tries(100),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=lives.stories(), script=scripts(actors=ACTORS), fates=fates)
def test_all_interleavings_of_several_lives_end_like_an_undisturbed_delivery(
    stage_world: World, story: lives.Story, script: list[Turn | Pause], fates: list[Fate]
) -> None:
    world = stage_world
    mirror, truth = lives.perform(world, story, [[number] for number in lives.in_order(story.events)])
    lives.set_up(world, story)
    with playing(world, begin=BEGIN, fates=fates) as play:
        order = [story.events[number] for batch in story.batches for number in batch]
        play.perform([partial(publish_in, world, one) for one in order], script)
        other_mirror, other_truth = world.mirror(), world.truth()
    tell(play)

    assert world.rows("events", status="pending") == []
    if not play.watch.late_writes:
        assert other_truth == truth
        for kind, rows in mirror.items():
            assert rows.items() <= other_mirror[kind].items()
    for kind, rows in other_mirror.items():
        assert rows.items() <= other_truth[kind].items()
    assert world.rows("checks") == []
    if any(isinstance(one, UserDeleted) for one in story.events):
        assert "old" not in world.everything_readable().replace("older", "")
