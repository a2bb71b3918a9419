"""Dead events that an operator replays are looked at again now, and what a newer event did stays."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.dead_letters import DeadFilter, discard, list_dead
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.generations import find_generation
from cobalt_mirror.db.log import get_since_first_pending
from cobalt_mirror.db.outcomes import record_outcomes, revive, superseded
from cobalt_mirror.db.state import Halt, record_halt
from cobalt_mirror.db.statuses import EventStatus, Move, PauseScope, Unseen
from cobalt_mirror.db.tables import events
from cobalt_mirror.events import (
    ConfigChanged,
    ConfigRemoved,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.workers.ops.pausing import pause_work
from cobalt_mirror.workers.ops.replaying import Replay, Replayed
from tests.unit.entries import logged
from tests.world import World

KEY = ("acme", "slack")


def die(world: World, event: Event, **columns: Any) -> Event:
    """Publish an event and have it dead before anybody tries it."""
    world.publish(event)
    dead = {"status": EventStatus.DEAD, "finished_at": world.clock(), "last_error": "no", "move": Move.OPERATOR}
    with world.engine.begin() as connection:
        connection.execute(update(events).where(events.c.id == event.id).values({**dead, **columns}))
    return event


def replay_all(world: World, wanted: DeadFilter | None = None) -> Replayed:
    with reading(world.engine).begin() as connection:
        letters = list_dead(connection, wanted or DeadFilter(), limit=100)
    return Replay(attempts=world.attempts, by="ann", show_progress=lambda _done, _total: None).run(letters)


@pytest.fixture
def customer(world: World) -> World:
    """A world in which acme has connected slack."""
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work()
    world.sandbox.connect(*KEY)
    world.publish(ConnectionAuthorized(*KEY))
    world.work_until_quiet()
    return world


def reconnect(world: World) -> None:
    world.sandbox.disconnect(*KEY)
    world.clock.pass_time(60)
    world.sandbox.connect(*KEY)


def nothing(_world: World) -> None:
    """Cobalt stays as it is."""


#: The older event, which is dead; what happens at Cobalt then; the newer event, which is done.
ROWS: list[Any] = [
    pytest.param(
        lambda at: UserSignedUp("acme", name="Old", udf={}, occurred_at=at),
        nothing,
        lambda at: UserSignedUp("acme", name="New", udf={"plan": "free"}, occurred_at=at),
        id="user_signed_up",
    ),
    pytest.param(
        lambda at: UserDeleted("acme", occurred_at=at),
        nothing,
        lambda at: UserSignedUp("acme", name="New", occurred_at=at),
        id="user_deleted",
    ),
    pytest.param(
        lambda at: ConnectionAuthorized(*KEY, occurred_at=at),
        nothing,
        lambda at: ConnectionRemoved(*KEY, occurred_at=at),
        id="connection_authorized",
    ),
    pytest.param(
        lambda at: ConfigChanged(*KEY, fields={"mention": "@old"}, occurred_at=at),
        nothing,
        lambda at: ConfigChanged(*KEY, fields={"mention": "@new"}, occurred_at=at),
        id="config_changed",
    ),
    pytest.param(
        lambda at: ConfigChanged(*KEY, fields={"mention": "@old"}, occurred_at=at),
        nothing,
        lambda at: ConfigRemoved(*KEY, occurred_at=at),
        id="config_changed, and then removed",
    ),
    pytest.param(
        lambda at: ConfigRemoved(*KEY, occurred_at=at),
        nothing,
        lambda at: ConfigChanged(*KEY, fields={"mention": "@new"}, occurred_at=at),
        id="config_removed",
    ),
    pytest.param(
        lambda at: ConnectionRemoved(*KEY, occurred_at=at),
        reconnect,
        lambda at: ConnectionAuthorized(*KEY, occurred_at=at),
        id="connection_removed",
    ),
]


@pytest.mark.parametrize(("make_older", "happen", "make_newer"), ROWS)
def test_a_replayed_event_undoes_nothing_that_a_newer_one_did(
    customer: World, make_older: Callable[..., Event], happen: Callable[[World], None], make_newer: Callable[..., Event]
) -> None:
    older = die(customer, make_older(customer.clock()))
    customer.clock.pass_time(1)
    happen(customer)
    newer = make_newer(customer.clock())
    customer.publish(newer)
    customer.work_until_quiet()
    before = customer.truth()

    replay_all(customer)
    customer.work_until_quiet()

    assert customer.truth() == before == customer.mirror()
    assert customer.statuses([newer]) == ["done"]
    assert customer.event(older)["status"] != "pending"


def test_a_replayed_event_is_carried_out_with_its_attempts_and_the_history_says_who_asked(customer: World) -> None:
    change = die(customer, ConfigChanged(*KEY, fields={"mention": "@old"}), attempts=7)

    replayed = replay_all(customer)

    row = customer.event(change)
    assert replayed == Replayed(by_status={EventStatus.DONE: 1}, left=0)
    assert (row["status"], row["attempts"], row["operator"], row["last_error"]) == ("done", 7, "ann", None)
    assert customer.truth()["configs"][*KEY, "acme"][0]["mention"] == "@old"
    because = [entry["because"] for entry in customer.rows("history", what="config")][-1]
    assert because == {"events": [{"source": "host", "id": change.id, "replayed_by": "ann"}]}


def test_its_subject_is_read_first_and_nothing_is_written_that_is_so_already(customer: World) -> None:
    die(customer, UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    customer.calls()

    replay_all(customer)

    assert customer.calls() == ["read_account"]


def test_what_fails_again_has_as_long_as_a_new_event(customer: World) -> None:
    change = die(customer, ConfigChanged(*KEY, fields={"mention": "@x"}), retrying_since=customer.clock())
    customer.clock.pass_time(timedelta(days=9).total_seconds())
    customer.sandbox.add_faults(Fault(linked_account_id="acme", status=500))

    replayed = replay_all(customer)

    assert replayed.by_status == {EventStatus.PENDING: 1}
    assert customer.event(change)["attempts"] == 1


def halt(world: World) -> None:
    with world.engine.begin() as connection:
        record_halt(connection, Halt(reason="no", since=world.clock(), probe_at=world.clock()))


def pause(world: World) -> None:
    pause_work(world.engine, PauseScope.EVERYTHING, None, lasts=None, why="no", by="ann", clock=world.clock)


@pytest.mark.parametrize(("block", "reason"), [(halt, "work is halted: no"), (pause, "work is paused: everything")])
def test_while_all_work_is_halted_or_paused_nothing_is_replayed(
    customer: World, block: Callable[[World], None], reason: str
) -> None:
    change = die(customer, ConfigChanged(*KEY, fields={"mention": "@x"}))
    block(customer)

    replayed = replay_all(customer)

    assert (replayed.by_status, replayed.left) == ({}, 1)
    assert str(replayed.blocked).startswith(reason)
    assert customer.statuses([change]) == ["dead"]


def test_what_is_paused_waits_for_the_end_of_the_pause(customer: World) -> None:
    change = die(customer, ConfigChanged(*KEY, fields={"mention": "@x"}))
    hour = timedelta(hours=1)
    pause_work(customer.engine, PauseScope.APPLICATION, "slack", lasts=hour, why="no", by="ann", clock=customer.clock)

    assert replay_all(customer) == Replayed(by_status={EventStatus.PENDING: 1}, left=0)
    customer.work_until_quiet()
    assert customer.statuses([change]) == ["done"]


def test_a_stop_leaves_each_event_dead_or_to_the_workers(customer: World) -> None:
    """As Ctrl-C does: it comes after the first account here."""
    for account in ("ann", "bob", "cid"):
        die(customer, UserSignedUp(account, name=account, udf={}))
    with reading(customer.engine).begin() as connection:
        letters = list_dead(connection, DeadFilter(), limit=100)
    stopped = threading.Event()

    def stop(_done: int, _total: int) -> None:
        stopped.set()

    replay = Replay(attempts=customer.attempts, by="ann", show_progress=stop, stopped=stopped)
    replayed = replay.run(letters)

    assert (replayed.by_status, replayed.left) == ({EventStatus.DONE: 1}, 2)
    assert [row["status"] for row in customer.rows("events") if row["last_error"] == "no"] == ["dead", "dead"]
    assert customer.rows("work") == []


def test_a_second_replay_of_the_same_events_does_nothing(customer: World) -> None:
    die(customer, ConfigChanged(*KEY, fields={"mention": "@x"}))
    with reading(customer.engine).begin() as connection:
        letters = list_dead(connection, DeadFilter(), limit=100)
    replay = Replay(attempts=customer.attempts, by="bob", show_progress=lambda _done, _total: None)
    replay_all(customer)
    customer.calls()

    assert replay.run(letters) == Replayed(by_status={}, left=1)
    assert customer.calls() == []


# --- discarded -------------------------------------------------------------------------------------------------------


def discard_dead(world: World) -> None:
    with world.engine.begin() as connection:
        keys = [letter.key for letter in list_dead(connection, DeadFilter(), limit=100)]
        assert discard(connection, keys, by="ann", at=world.clock(), why="a test") == set(keys)


def test_a_discarded_event_counts_as_never_carried_out(customer: World) -> None:
    """It is newer than one that waits, and had made its config at Cobalt before it was refused."""
    older = ConfigRemoved(*KEY, occurred_at=customer.clock())
    customer.clock.pass_time(1)
    newer = ConfigChanged(*KEY, fields={"mention": "@new"}, occurred_at=customer.clock())
    die(customer, newer, effect={"config": True})
    discard_dead(customer)
    customer.publish(older)
    with reading(customer.engine).begin() as connection:
        assert [event.id for event in get_since_first_pending(connection, *KEY)] == [older.id]

    customer.work_until_quiet()

    assert customer.statuses([older, newer]) == ["done", "discarded"]
    assert customer.truth()["configs"] == customer.mirror()["configs"] == {}


def test_nothing_brings_a_discarded_event_back(customer: World) -> None:
    change = die(customer, ConfigChanged(*KEY, fields={"mention": "@x"}), unseen=Unseen.APPLICATION)
    discard_dead(customer)
    with customer.engine.begin() as connection:
        assert revive(connection, "acme", "slack", set(Unseen), at=customer.clock()) == 0
        record_outcomes(connection, [superseded(logged(change.type, change.id), at=customer.clock())])
        record_check(connection, *KEY, due_at=customer.clock(), reason="a test", at_once=True)
    replayed = replay_all(customer)
    customer.work_until_quiet()

    row = customer.event(change)
    assert replayed == Replayed(by_status={}, left=0)
    assert (row["status"], row["detail"], row["operator"], row["move"]) == ("discarded", "a test", "ann", None)


def test_a_discarded_sign_up_begins_no_generation(customer: World) -> None:
    customer.publish(UserDeleted("acme", occurred_at=customer.clock()))
    customer.work_until_quiet()
    die(customer, UserSignedUp("acme", name="Again", udf={}, occurred_at=customer.clock()))
    discard_dead(customer)

    with reading(customer.engine).begin() as connection:
        generation = find_generation(connection, "acme")

    assert generation is not None
    assert generation.begun is None
