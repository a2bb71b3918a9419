"""A log that is pruned again and again in the middle of a story ends like one that is left alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from cobalt_mirror.workers.ops.pruning import Pruning
from tests.effort import tries
from tests.integration.journey.stories import Stage, Story, stories
from tests.world import World


@pytest.fixture(scope="module")
def stage(make_stage: Callable[[dict[str, object]], Stage]) -> Stage:
    return make_stage({})


@settings(max_examples=tries(30), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(story=stories())
def test_a_story_ends_alike_when_everything_that_may_go_is_pruned_after_each_batch(stage: Stage, story: Story) -> None:
    mirror, truth = stage.perform(story, story.batches)

    def prune_after(work: Callable[[], None]) -> bool:
        work()
        prune(stage.world)
        return True

    other_mirror, other_truth = stage.perform(story, story.batches, through=prune_after)

    assert other_truth == truth
    assert other_mirror == mirror


def prune(world: World) -> None:
    """Prune what is finished, however young it is."""
    Pruning(engine=world.engine, vault=world.settings.vault(), older_than=timedelta(), clock=world.clock, batch=3).run()
