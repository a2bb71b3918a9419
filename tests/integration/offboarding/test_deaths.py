"""A worker may die at any step of a deletion or of a new generation; others end where it would have ended."""

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.events import UserDeleted
from tests.effort import tries
from tests.integration.journey.test_crashes import Doom, through_deaths, watched
from tests.integration.offboarding.test_any_order import Story, in_order, perform, stories
from tests.world import World


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), gaps=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=4))
def test_deaths_at_any_points_end_like_an_undisturbed_delivery(stage: World, story: Story, gaps: list[int]) -> None:
    mirror, truth = perform(stage, story, [[number] for number in in_order(story.events)])
    spared, doom = stage.attempts, Doom(gaps)
    carry_out = through_deaths(stage, doom)

    def through(work: Callable[[], None]) -> None:
        while not carry_out(work):
            pass

    with watched(stage.engine, doom):
        other_mirror, other_truth = perform(stage, story, story.batches, lets_time_pass=True, through=through)
    stage.attempts = spared

    assert other_truth == truth
    for kind, rows in mirror.items():  # looking again may show the mirror more, never anything else than the truth
        assert rows.items() <= other_mirror[kind].items()
        assert other_mirror[kind].items() <= truth[kind].items()
    assert stage.rows("checks") == []
    if any(isinstance(one, UserDeleted) for one in story.events):
        assert "old" not in stage.everything_readable().replace("older", "")
