"""However a host, a relay and two workers take turns, and wherever they crash: the result is that of a quiet delivery.

An actor may stop or crash before and after each transaction, each call and each message. Messages are lost and
duplicated. Time passes anywhere, so leases expire under workers that are alive.
"""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from cobalt_mirror.db import tables
from cobalt_mirror.events import Event, UserDeleted
from cobalt_mirror.events.publish import publish_with
from tests.effort import timeout, tries
from tests.integration.interleaving.driver import ACTORS, Delivery, Driver, deliveries, open_driver
from tests.integration.interleaving.scheduler import Pause, Turn, scripts
from tests.integration.journey.stories import BASE, Planned, Stage, Story, keep_place, stories
from tests.integration.journey.test_crashes import assert_nothing_is_left, switches
from tests.integration.offboarding import test_any_order as generations
from tests.world import World

pytestmark = pytest.mark.timeout(timeout(900))  # half a minute of work, and a shared machine is no reason to fail

BEGIN = BASE + timedelta(days=1)


@pytest.fixture(scope="module")
def stage(clean_world: World) -> Stage:
    return Stage(clean_world)


def publish_planned(stage: Stage, planned: Planned) -> None:
    stage.publish(planned, at=stage.world.clock())


def publish_now(world: World, event: Event) -> None:
    """Publish at the time that the world's clock shows."""
    now, is_same = world.clock(), tables.events.c.id == event.id
    with world.engine.begin() as connection:
        (receipt,) = publish_with(world.settings.vault(), [event], connection)
        if receipt.is_new:
            connection.execute(tables.events.update().where(is_same).values(recorded_at=now, due_at=now))
        keep_place(connection, event)


def count_examples(driver: Driver) -> None:
    """Have hypothesis count the kinds of examples."""
    event(f"{min(driver.scheduler.crashes, 4)} crashes")
    event(f"{min(driver.recorder.takeovers, 3)} times taken over")
    event(f"{min(driver.recorder.late_writes, 2)} late writes")


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories(), behaviour=switches, script=scripts(actors=ACTORS), deliveries=deliveries)
def test_all_interleavings_end_like_an_undisturbed_delivery(
    stage: Stage, story: Story, behaviour: dict[str, Any], script: list[Turn | Pause], deliveries: list[Delivery]
) -> None:
    world = stage.world
    world.sandbox.change_settings(**behaviour)
    mirror, truth = stage.perform_in_order(story)
    stage.set_up(story)
    with open_driver(world, begin=BEGIN, deliveries=deliveries) as driver:
        order = [story.events[number] for batch in story.batches for number in batch]
        driver.run([partial(publish_planned, stage, planned) for planned in order], script)
        other_mirror, other_truth = world.mirror(), world.truth()
    count_examples(driver)

    assert world.rows("events", status="pending") == []
    if not driver.recorder.late_writes:
        assert other_truth == truth
        for kind, rows in mirror.items():  # looking again may show the mirror more, never anything else than the truth
            assert rows.items() <= other_mirror[kind].items()
    assert other_mirror["configs"] == other_truth["configs"]
    for kind, rows in other_mirror.items():
        assert rows.items() <= other_truth[kind].items()
    assert_nothing_is_left(world, story)


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=generations.stories(), script=scripts(actors=ACTORS), deliveries=deliveries)
def test_all_interleavings_of_several_generations_end_like_an_undisturbed_delivery(
    clean_world: World, story: generations.Story, script: list[Turn | Pause], deliveries: list[Delivery]
) -> None:
    world = clean_world
    mirror, truth = generations.perform(world, story, [[number] for number in generations.in_order(story.events)])
    generations.set_up(world, story)
    with open_driver(world, begin=BEGIN, deliveries=deliveries) as driver:
        order = [story.events[number] for batch in story.batches for number in batch]
        driver.run([partial(publish_now, world, published) for published in order], script)
        other_mirror, other_truth = world.mirror(), world.truth()
    count_examples(driver)

    assert world.rows("events", status="pending") == []
    if not driver.recorder.late_writes:
        assert other_truth == truth
        for kind, rows in mirror.items():
            assert rows.items() <= other_mirror[kind].items()
    for kind, rows in other_mirror.items():
        assert rows.items() <= other_truth[kind].items()
    assert world.rows("checks") == []
    if any(isinstance(published, UserDeleted) for published in story.events):
        assert "old" not in world.everything_readable().replace("older", "")
