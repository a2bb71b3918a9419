"""In whatever order, however often and in what batches events come, all ends as if they had come once, sorted."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.effort import tries
from tests.integration.journey.stories import Stage, Story, stories

SWITCHES: dict[str, dict[str, Any]] = {
    "as documented": {},
    "upserts clear, nulls are stored": {"upsert_left_out": "cleared", "null_values": "stored"},
    "a connection that is not there is not told": {"connected_when_not": "absent"},
}


@pytest.fixture(scope="module", params=list(SWITCHES))
def stage(request: pytest.FixtureRequest, make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage(SWITCHES[request.param])


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories())
def test_every_delivery_ends_like_the_sorted_one(stage: Stage, story: Story) -> None:
    check(stage, story)


@pytest.fixture(scope="module")
def late_stage(make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage({"stale_reads": 0.5, "stale_seconds": 3})


@settings(max_examples=tries(20), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(story=stories())
def test_it_does_although_half_of_the_reads_lag_behind(late_stage: Stage, story: Story) -> None:
    check(late_stage, story)


def check(stage: Stage, story: Story) -> None:
    """See that a story ends like the same one in order."""
    mirror, truth = stage.perform_in_order(story)
    other_mirror, other_truth = stage.perform(story, story.batches)

    assert other_truth == truth
    assert other_mirror == mirror
    for kind, rows in mirror.items():  # the mirror knows what events were about, and nothing else
        assert rows.items() <= truth[kind].items()
