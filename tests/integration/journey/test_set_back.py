"""An event that an operator sets back to pending by SQL, as docs/outcomes.md says: it is worked on again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.tables import events
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, Event, UserSignedUp
from tests.world import World

GIVE_UP = timedelta(days=3)
#: What the operator writes: the least that says it, and what somebody who has read the table writes.
WRITTEN: list[dict[str, Any]] = [{"status": "pending"}, {"status": "pending", "finished_at": None, "due_at": None}]


def set_back(world: World, event: Event, columns: dict[str, Any]) -> None:
    columns = {**columns, "due_at": world.clock()} if "due_at" in columns else columns
    with world.engine.begin() as connection:
        connection.execute(update(events).where(events.c.id == event.id).values(columns))


@pytest.fixture
def given_up(world: World) -> Event:
    """A change that failed for so long that it was given up."""
    change = ConfigChanged("acme", "slack", fields={"mention": "@old"})
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()
    world.sandbox.add_faults(Fault(linked_account_id="acme", status=500))
    world.publish(change)
    while world.event(change)["status"] == "pending":
        world.work()
        world.clock.pass_time(GIVE_UP.total_seconds() / 2)
    return change


@pytest.mark.parametrize("columns", WRITTEN, ids=["the status", "all columns"])
def test_a_dead_event_that_is_set_back_is_carried_out(world: World, given_up: Event, columns: dict[str, Any]) -> None:
    assert world.event(given_up)["status"] == "dead"
    world.sandbox.clear_faults()

    set_back(world, given_up, columns)
    world.work_until_quiet()

    row = world.event(given_up)
    assert (row["status"], row["last_error"], row["move"]) == ("done", None, None)
    assert world.mirror() == world.truth()
    assert world.row("configs")["fields"]["mention"] == "@old"


@pytest.mark.parametrize("columns", WRITTEN, ids=["the status", "all columns"])
def test_it_has_as_much_time_to_succeed_as_a_new_event(world: World, given_up: Event, columns: dict[str, Any]) -> None:
    set_back(world, given_up, columns)
    for _ in range(
        2
    ):  # what was set back without its other columns is taken up by the first message, and tried by the next
        world.work()

    row = world.event(given_up)
    assert (row["status"], row["retrying_since"] is not None) == ("pending", True)


def test_it_waits_for_no_other_event_of_the_account_and_undoes_none(world: World, given_up: Event) -> None:
    world.sandbox.clear_faults()
    world.publish(ConfigChanged("acme", "slack", fields={"mention": "@new"}))
    world.work_until_quiet()

    set_back(world, given_up, WRITTEN[0])
    world.publish(UserSignedUp("acme", name="Acme Ltd", udf={}))
    world.work_until_quiet()

    assert world.event(given_up)["status"] in {"done", "superseded"}
    assert world.rows("events", status="pending") == []
    assert world.row("configs")["fields"]["mention"] == "@new"
    assert world.mirror() == world.truth()


def test_what_is_set_back_beside_what_waits_is_worked_on_in_the_same_turn(world: World) -> None:
    done, waits = UserSignedUp("acme", name="Acme", udf={}), ConnectionAuthorized("acme", "nonsense")
    world.publish(done)
    world.work()
    set_back(world, done, {"status": "pending"})
    world.publish(waits)
    world.work()

    assert (world.event(done)["status"], world.event(done)["finished_at"] is not None) == ("done", True)
