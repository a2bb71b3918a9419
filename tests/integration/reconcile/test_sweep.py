"""What else a run puts in order: work that nobody has in hand, and the catalogue."""

from datetime import timedelta

from cobalt_mirror.db.due import mark_sent
from cobalt_mirror.db.leases import take_lease
from cobalt_mirror.events import UserSignedUp
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World


def test_an_event_whose_doorbell_was_lost_is_worked_on(world: World) -> None:
    event = UserSignedUp("acme", name="Acme", udf={})
    world.publish(event)
    with world.engine.begin() as connection:
        now = world.clock(connection)
        assert mark_sent(connection, {"acme": False}, now=now, until=now + timedelta(seconds=15)) == {"acme"}
    world.clock.pass_time(120)
    reconcile(world)

    assert world.event(event)["status"] == "done"
    assert world.mirror() == world.truth()


def test_the_lease_of_a_dead_worker_is_taken_over(world: World) -> None:
    event = UserSignedUp("acme", name="Acme", udf={})
    world.publish(event)
    with world.engine.begin() as connection:
        now = world.clock(connection)
        assert take_lease(connection, "acme", "", now=now, began=0.0, ttl=timedelta(seconds=30)) is not None
    world.clock.pass_time(120)
    reconcile(world)

    assert world.event(event)["status"] == "done"


def test_what_is_only_just_due_is_left_to_the_relay(world: World) -> None:
    event = UserSignedUp("acme", name="Acme", udf={})
    world.publish(event)
    reconcile(world)

    assert world.event(event)["status"] == "pending"


def test_the_catalogue_is_read_when_it_is_due(world: World) -> None:
    at_cobalt(world, [1])
    reconcile(world)
    assert len(world.rows("applications")) > 10
    reconcile(world)

    assert world.calls().count("list_applications") == 1
