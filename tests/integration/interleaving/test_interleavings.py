"""However a host, a relay and two workers take turns, and wherever one of them dies: all ends as if nothing had been.

Every step that touches the outside is a place to stop or die: before and after each transaction, each call, each
message. Messages are lost and come twice. Time passes anywhere, so leases run out under workers that live.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from tests.effort import tries
from tests.integration.interleaving.cast import ACTORS, Fate, Play, fates, playing
from tests.integration.interleaving.scheduler import Pause, Turn, scripts
from tests.integration.journey.stories import BASE, Stage, Story, stories
from tests.integration.journey.test_crashes import assert_nothing_is_left, switches
from tests.world import World

BEGIN = BASE + timedelta(days=1)


@pytest.fixture(scope="module")
def stage(stage_world: World) -> Stage:
    return Stage(stage_world)


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
        play.cast([partial(publish, stage, planned) for planned in order])
        play.scheduler.play(script)
        play.until_quiet()
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


def publish(stage: Stage, planned: Any) -> None:
    stage.publish(planned, at=stage.world.clock())
