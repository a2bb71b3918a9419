"""Generations of one account: however its events come, all ends as if they had come once, sorted.

Two orders are left out, for no worker can make up for them: what happened in a new generation came after the sign-up
that began it (until then it is erased as an event of a deleted account), and that came after the deletion that ended
the generation before (until then it was the old account's sign-up, and that account is not deleted).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.events.publish import publish_with
from tests.effort import tries
from tests.integration.journey.stories import keep_place, sweep
from tests.world import World

BASE = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELDS: dict[str, list[dict[str, Any]]] = {
    "slack": [{"mention": "@a"}, {"mention": "@b"}, {"mention": None}, {"channel": "general"}, {}],
    "hubspot": [{"pipeline": "default"}, {"pipeline": "enterprise"}, {"lists": ["newsletter"]}],
}
KINDS = [*["signed_up"] * 3, *["deleted"] * 3, *["changed"] * 3, "authorized", "removed"]


@dataclass(frozen=True)
class Story:
    events: list[Event]
    batches: list[list[int]]
    is_connected: bool
    lets_time_pass: bool


@st.composite
def told_events(draw: st.DrawFn, number: int) -> Event:
    second = draw(st.integers(min_value=-15, max_value=15))
    common: dict[str, Any] = {"id": f"e{number:02}", "occurred_at": BASE + timedelta(seconds=second)}
    slug = draw(st.sampled_from(["slack", "hubspot"]))
    match draw(st.sampled_from(KINDS)):
        case "signed_up":
            udf = draw(st.sampled_from([None, {}, {"plan": "pro"}]))
            return UserSignedUp("ada", name=draw(st.sampled_from([None, "A", "B"])), udf=udf, **common)
        case "deleted":
            return UserDeleted("ada", **common)
        case "changed":
            return ConfigChanged("ada", slug, fields=draw(st.sampled_from(FIELDS[slug])), **common)
        case "authorized":
            return ConnectionAuthorized("ada", slug, **common)
        case _:
            return ConnectionRemoved("ada", slug, **common)


def in_order(events: list[Event]) -> list[int]:
    return sorted(range(len(events)), key=lambda number: (events[number].occurred_at, events[number].id))


def generations(events: list[Event]) -> dict[int, int]:
    """In which generation each event happened, its sign-up and its deletion included; deletions count up."""
    found, generation, ended_at = dict[int, int](), 0, None
    for number in in_order(events):
        one = events[number]
        if isinstance(one, UserDeleted):
            ended_at = (one.occurred_at, number)
        elif isinstance(one, UserSignedUp) and ended_at is not None and (one.occurred_at, number) > ended_at:
            generation, ended_at = generation + 1, None
        found[number] = generation
    return found


def first_sign_ups(events: list[Event]) -> dict[int, int]:
    """The sign-up with which each new generation begins."""
    which, found = generations(events), dict[int, int]()
    for number in in_order(events):
        if which[number] and isinstance(events[number], UserSignedUp):
            found.setdefault(which[number], number)
    return found


def delivered(events: list[Event], wanted: list[int]) -> list[int]:
    """The wanted order, but deletions before the next generation's sign-ups, and those before what follows them."""
    which, begins = generations(events), first_sign_ups(events)
    order: list[int] = []

    def deliver(number: int) -> None:
        if number in order:
            return
        for other in range(len(events)):
            if isinstance(events[other], UserDeleted) and which[other] < which[number]:
                deliver(other)
        beginning = begins.get(which[number], number)
        if beginning != number:
            deliver(beginning)
        order.append(number)

    for number in wanted:
        deliver(number)
    return order


@st.composite
def stories(draw: st.DrawFn) -> Story:
    size = draw(st.integers(min_value=2, max_value=6))
    events = [draw(told_events(number)) for number in range(size)]
    order = delivered(events, list(draw(st.permutations(range(size)))))
    order += draw(st.lists(st.integers(min_value=0, max_value=size - 1), max_size=2))
    cuts = sorted(draw(st.sets(st.integers(min_value=1, max_value=len(order)), max_size=3)))
    batches = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return Story(
        events, [batch for batch in batches if batch], draw(st.booleans()), draw(st.sampled_from([False, False, True]))
    )


def set_up(world: World, story: Story) -> None:
    """Sweep the stage, and let the account be there if the story wants it."""
    sweep(world)
    world.sandbox.reset()
    if story.is_connected:
        world.client.upsert_account("ada", name="old name", udf={"old": "yes"})
        world.clock.stop_at(BASE - timedelta(seconds=60))
        world.sandbox.connect("ada", "slack", identifier="old identifier")
        world.clock.resume()


def _undisturbed(work: Callable[[], None]) -> None:
    work()


def perform(
    world: World,
    story: Story,
    batches: list[list[int]],
    *,
    lets_time_pass: bool = False,
    through: Callable[[Callable[[], None]], None] = _undisturbed,
) -> tuple[dict[str, Any], dict[str, Any]]:
    set_up(world, story)
    work: Callable[[], None] = world.work_until_quiet if lets_time_pass else world.work
    for batch in batches:
        for number in batch:
            with world.engine.begin() as connection:
                publish_with(world.settings.vault(), [story.events[number]], connection)
                keep_place(connection, story.events[number])
        through(work)
    through(world.work_until_quiet)
    assert world.rows("events", status="pending") == world.rows("events", status="dead") == []
    return world.mirror(), world.truth()


@settings(
    max_examples=tries(25),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories())
def test_every_delivery_of_several_generations_ends_like_the_sorted_one(stage: World, story: Story) -> None:
    mirror, truth = perform(stage, story, [[number] for number in in_order(story.events)])
    receipts = [row["occurred_at"] for row in stage.rows("deletions")]
    other_mirror, other_truth = perform(stage, story, story.batches, lets_time_pass=story.lets_time_pass)

    number = max(generations(story.events).values()) + 1
    event(f"{number} generations, {'alive' if truth['accounts'] else 'gone'} at the end")
    assert other_truth == truth
    assert other_mirror == mirror
    assert [row["occurred_at"] for row in stage.rows("deletions")] == receipts
    if any(isinstance(one, UserDeleted) for one in story.events):
        assert "old" not in stage.everything_readable().replace("older", "")
    for kind, rows in mirror.items():
        assert rows.items() <= truth[kind].items()
