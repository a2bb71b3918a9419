"""In whatever order, however often and in what batches events come, all ends as if they had come once, sorted."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.workers.handlers.looking import LOOKS
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


def deny(route: str, error: str, times: int) -> Fault:
    """Let now and then an answer be false: that there is no such application, or no such config."""
    return Fault(route=route, status=HTTPStatus.NOT_FOUND, error=error, share=0.5, times=times)


#: So many in a row are believed of an application that is in no catalogue (one a look); one more look ends that.
LOOKED = len(LOOKS) + 1
FALSE_ANSWERS: dict[str, Sequence[Fault]] = {
    "none is false": (),
    "some deny a config": (deny("read_config", "CONFIG_NOT_FOUND", LOOKED),),
    "some deny an application": (deny("read_application", "EXTERNAL_API_FAILURE", LOOKED),),
    "some deny the application of a config": (deny("find_or_create_config", "INVALID_APP_ID", LOOKED),),
}


@pytest.fixture(scope="module", params=list(FALSE_ANSWERS))
def late_stage(request: pytest.FixtureRequest, make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    stage = make_stage({"stale_reads": 0.5, "stale_seconds": 3})
    stage.faults = FALSE_ANSWERS[request.param]
    return stage


@settings(max_examples=tries(12), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
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
