"""Whatever is paused while events come, all ends like the sorted delivery."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.events import EVENT_TYPES
from tests.effort import tries
from tests.integration.journey.stories import ACCOUNTS, Stage, Story, stories
from tests.integration.journey.test_pauses import pause, resume

ANYTHING: list[tuple[PauseScope, str | None]] = [
    (PauseScope.EVERYTHING, None),
    *((PauseScope.TYPE, type_) for type_ in EVENT_TYPES),
    *((PauseScope.APPLICATION, slug) for slug in ("slack", "hubspot")),
    *((PauseScope.ACCOUNT, account) for account in ACCOUNTS),
]


@pytest.fixture(scope="module")
def stage(make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage({})


@settings(
    max_examples=tries(30),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), how=st.randoms(use_true_random=False))
def test_whatever_is_paused_meanwhile_all_ends_like_the_sorted_delivery(
    stage: Stage, story: Story, how: Random
) -> None:
    expected = stage.perform_in_order(story)
    rounds = len(story.batches)

    def with_pauses(work: Callable[[], None]) -> bool:
        nonlocal rounds
        rounds -= 1
        for scope, name in ANYTHING:
            if rounds < 0 or how.random() < 0.5:
                resume(stage.world, scope, name)
            elif how.random() < 0.2:
                pause(stage.world, scope, name)
        work()
        return True

    assert stage.perform(story, story.batches, through=with_pauses) == expected
