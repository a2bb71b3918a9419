"""However Cobalt renews tokens while workers carry out removals: what was meant goes, and nothing else."""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized
from tests.effort import timeout, tries
from tests.integration.interleaving.driver import ACTORS, Delivery, deliveries, open_driver
from tests.integration.interleaving.scheduler import Pause, Turn, scripts
from tests.integration.interleaving.test_interleavings import BEGIN, count_examples, publish_planned
from tests.integration.journey.stories import ACCOUNTS, Planned, Stage, Story, stories
from tests.integration.journey.test_crashes import assert_nothing_is_left
from tests.world import World

pytestmark = pytest.mark.timeout(timeout(900))  # half a minute of work, and a shared machine is no reason to fail


@pytest.fixture(scope="module")
def stage(clean_world: World) -> Stage:
    return Stage(clean_world)


def without_authorisations(story: Story) -> Story:
    """The same story, in which no authorisation can tell a new connection from a renewed one."""
    return replace(story, events=[_read_instead(planned) for planned in story.events])


def _read_instead(planned: Planned) -> Planned:
    event = planned.event
    if not isinstance(event, ConnectionAuthorized):
        return planned
    same: dict[str, Any] = {"id": event.id, "occurred_at": event.occurred_at}
    return Planned(ConfigChanged(event.linked_account_id, event.slug, **same), False)


def renew(world: World, account: str, slug: str) -> None:
    """Renew all tokens of a connection; where nothing is connected, nothing happens."""
    with suppress(LookupError):
        world.sandbox.renew_token(account, slug)


def without_times(side: dict[str, Any]) -> dict[str, Any]:
    """What the mirror or Cobalt shows, but for `connectedAt`."""
    connections = {
        key: (status, [(auth_type, identifier, state) for auth_type, identifier, state, *_ in accounts])
        for key, (status, accounts) in side["connections"].items()
    }
    return {**side, "connections": connections}


renewals = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(["slack", "hubspot"])), min_size=1, max_size=6)


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    story=stories().map(without_authorisations),
    renewed=renewals,
    script=scripts(actors=ACTORS + 1),
    deliveries=deliveries,
)
def test_all_interleavings_with_renewals_end_like_a_delivery_without_them(
    stage: Stage,
    story: Story,
    renewed: list[tuple[str, str]],
    script: list[Turn | Pause],
    deliveries: list[Delivery],
) -> None:
    world = stage.world
    _, truth = stage.perform_in_order(story)
    stage.set_up(story)
    with open_driver(world, begin=BEGIN, deliveries=deliveries) as driver:
        order = [story.events[number] for batch in story.batches for number in batch]
        publishing = [partial(publish_planned, stage, planned) for planned in order]
        driver.run(publishing, script, at_cobalt=[partial(renew, world, *which) for which in renewed])
        other_mirror, other_truth = without_times(world.mirror()), without_times(world.truth())
    count_examples(driver)

    assert world.rows("events", status="pending") == []
    if not driver.recorder.late_writes:
        assert other_truth == without_times(truth)
    for kind, rows in other_mirror.items():
        assert rows.items() <= other_truth[kind].items()
    assert_nothing_is_left(world, story)
