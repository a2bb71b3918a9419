"""Events of one time are carried out in the order in which their rows were inserted, whatever their ids and sources."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cobalt_mirror.events import ConfigChanged, Event, UserDeleted, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.effort import tries
from tests.integration.journey.stories import Stage, sweep
from tests.world import World

SECOND = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
#: An order by random ids would be right for all eight once in 256 runs.
CUSTOMERS = [f"customer {number}" for number in range(8)]

Door = Callable[[World, Sequence[Event]], None]


def at_that_second(source: str = "host") -> dict[str, Any]:
    """What two events have in common, but for an id that says nothing of their order."""
    return {"id": uuid4().hex, "source": source, "occurred_at": SECOND}


def publish_each(world: World, events: Sequence[Event]) -> None:
    with world.engine.begin() as connection:
        for event in events:
            publish_with(world.settings.vault(), [event], connection)


def publish_all(world: World, events: Sequence[Event]) -> None:
    world.publish(*events)


def insert_by_sql(world: World, events: Sequence[Event]) -> None:
    """What a host does that is not Python: in one transaction, with the ids of the schema and one time."""
    is_sqlite = world.engine.dialect.name == "sqlite"
    table, now = ("events", f"'{SECOND:%FT%T}.000000Z'") if is_sqlite else ("cobalt_mirror.events", "now()")
    statement = text(
        f"INSERT INTO {table} (type, source, linked_account_id, slug, payload, occurred_at) "
        f"VALUES (:type, :source, :account, :slug, :payload, {now})"
    )
    with world.engine.begin() as connection:
        for event in events:
            values = {"type": str(event.type), "source": event.source, "account": event.linked_account_id}
            payload = json.dumps(event.payload())
            connection.execute(statement, {**values, "slug": event.subject_slug(), "payload": payload})


doors = pytest.mark.parametrize("door", [publish_each, publish_all, insert_by_sql])


@doors
@pytest.mark.parametrize("sources", [("host", "host"), ("web", "billing")], ids=["one source", "two sources"])
def test_the_value_that_was_inserted_last_is_there_at_the_end(
    world: World, door: Door, sources: tuple[str, str]
) -> None:
    events: list[Event] = []
    for account in CUSTOMERS:
        for source, word in zip(sources, ("old", "new"), strict=True):
            events.append(UserSignedUp(account, name=word, **at_that_second(source)))
            events.append(ConfigChanged(account, "slack", fields={"mention": f"@{word}"}, **at_that_second(source)))
    door(world, events)
    world.work_until_quiet()

    assert {name for name, _ in world.truth()["accounts"].values()} == {"new"}
    assert {fields["mention"] for fields, _ in world.truth()["configs"].values()} == {"@new"}
    assert world.mirror() == world.truth()
    assert len(world.mirror()["configs"]) == len(CUSTOMERS)


@doors
@pytest.mark.parametrize("is_known", [True, False], ids=["an account that is there", "an account that is not"])
def test_a_customer_who_leaves_and_comes_back_in_one_second_is_there(world: World, door: Door, is_known: bool) -> None:
    if is_known:
        world.publish(*(UserSignedUp(each, name="Old", occurred_at=SECOND - timedelta(days=1)) for each in CUSTOMERS))
        world.work_until_quiet()
    events: list[Event] = []
    for account in CUSTOMERS:
        events.append(UserDeleted(account, **at_that_second()))
        events.append(UserSignedUp(account, name="New", udf={}, **at_that_second()))
        events.append(ConfigChanged(account, "slack", fields={"mention": "@new"}, **at_that_second()))
    door(world, events)
    world.work_until_quiet()

    assert {row["status"] for row in world.rows("events")} == {"done"}
    assert world.truth()["accounts"] == dict.fromkeys(CUSTOMERS, ("New", {}))
    assert {fields["mention"] for fields, _ in world.truth()["configs"].values()} == {"@new"}
    assert world.mirror() == world.truth()


@doors
def test_a_customer_who_comes_and_leaves_in_one_second_is_gone(world: World, door: Door) -> None:
    events: list[Event] = []
    for account in CUSTOMERS:
        events.append(UserSignedUp(account, name="Old", **at_that_second()))
        events.append(UserDeleted(account, **at_that_second()))
    door(world, events)
    world.work_until_quiet()

    assert {(row["type"], row["status"]) for row in world.rows("events")} == {
        ("user_signed_up", "superseded"),
        ("user_deleted", "done"),
    }
    assert world.truth()["accounts"] == {}


def test_a_second_deletion_of_that_second_ends_the_generation_that_it_found(world: World) -> None:
    events = [UserDeleted("ada", **at_that_second()), UserSignedUp("ada", **at_that_second())]
    events += [UserDeleted("ada", **at_that_second()), UserSignedUp("ada", name="Last", **at_that_second())]
    for event in events:
        world.publish(event)
        world.work_until_quiet()

    assert world.statuses(events) == ["done"] * 4
    assert world.mirror()["accounts"] == {"ada": ("Last", {})}
    assert world.row("deletions")["number"] == world.event(events[2])["number"]


def test_where_a_generation_ended_is_known_when_the_row_of_the_deletion_is_gone(world: World) -> None:
    deletion = UserDeleted("ada", **at_that_second())
    world.publish(deletion)
    world.work_until_quiet()
    table = "events" if world.engine.dialect.name == "sqlite" else "cobalt_mirror.events"
    with world.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {table}"))

    sign_up = UserSignedUp("ada", name="New", **at_that_second())
    world.publish(sign_up)
    world.work_until_quiet()

    assert world.statuses([sign_up]) == ["done"]
    assert world.mirror()["accounts"] == {"ada": ("New", {})}


# --- the property -----------------------------------------------------------------------------------------------------

STEPS: list[Callable[..., Event]] = [
    lambda **common: UserSignedUp("acme", name="A", **common),
    lambda **common: UserSignedUp("acme", udf={"plan": "pro"}, **common),
    lambda **common: UserSignedUp("acme", name="B", udf={}, **common),
    lambda **common: UserDeleted("acme", **common),
    lambda **common: ConfigChanged("acme", "slack", fields={"mention": "@a"}, **common),
    lambda **common: ConfigChanged("acme", "slack", fields={"mention": "@b", "channel": "general"}, **common),
    lambda **common: ConfigChanged("acme", "slack", fields={"mention": None}, **common),
]


def outcome_of(world: World, events: list[Event]) -> tuple[Any, ...]:
    """What becomes of events that are published at once."""
    sweep(world)
    world.sandbox.reset()
    world.publish(*events)
    world.work_until_quiet()
    return world.mirror(), world.truth(), world.statuses(events)


@pytest.fixture(scope="module")
def stage(make_stage: Callable[[dict[str, Any]], Stage]) -> Stage:
    return make_stage({})


@settings(max_examples=tries(40), suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=6), data=st.data())
def test_a_shuffle_of_ids_changes_nothing(stage: Stage, steps: list[Callable[..., Event]], data: st.DataObject) -> None:
    ids = [f"id {number}" for number in range(len(steps))]
    shuffled = data.draw(st.permutations(ids))

    expected, found = (
        outcome_of(stage.world, [step(id=id_, occurred_at=SECOND) for step, id_ in zip(steps, each, strict=True)])
        for each in (ids, shuffled)
    )

    assert found == expected
