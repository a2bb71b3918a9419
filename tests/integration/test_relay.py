"""The relay and the actors over a real Redis: events come through, and nothing depends on a message surviving."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
from dramatiq import Broker, Message, Worker

from cobalt_mirror.db.due import count_under_way
from cobalt_mirror.db.state import Halt, record_halt
from cobalt_mirror.events import ConfigChanged, UserSignedUp
from cobalt_mirror.workers.actors import Actors
from cobalt_mirror.workers.broker import create_broker
from cobalt_mirror.workers.queues import CATALOGUE, declare_queues
from cobalt_mirror.workers.relay import RESEND_AFTER, Relay
from tests.waiting import wait_until
from tests.world import World


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@pytest.fixture
def broker(client: redis.Redis, world: World) -> Broker:
    opened = create_broker(client, world.settings)
    declare_queues(opened)
    return opened


@pytest.fixture
def relay(world: World, broker: Broker) -> Relay:
    return Relay(engine=world.engine, broker=broker, settings=world.settings, clock=world.clock)


@contextmanager
def _working(world: World, client: redis.Redis) -> Iterator[None]:
    broker = create_broker(client, world.settings)
    Actors(world.attempts, world.catalogue).register(broker)
    worker = Worker(broker, worker_timeout=50, worker_threads=2)
    worker.start()
    try:
        yield
    finally:
        worker.stop(timeout=10_000)


def _length(client: redis.Redis, queue: str) -> int:
    return int(str(client.llen(f"cobalt-mirror:{queue}")))


def test_events_of_every_type_come_through_real_queues(world: World, client: redis.Redis, relay: Relay) -> None:
    events = [UserSignedUp(f"account-{n}", name="A", udf={}) for n in range(5)]
    changes = [ConfigChanged(f"account-{n}", "slack", fields={"mention": "@a"}) for n in range(5)]
    world.publish(*events, *changes)
    with _working(world, client):
        wait_until(lambda: relay.send_due() >= 0 and set(world.statuses([*events, *changes])) == {"done"})

    assert world.mirror() == world.truth()
    assert world.rows("work") == []


def test_one_message_goes_out_for_an_account_however_many_events_wait(
    world: World, client: redis.Redis, relay: Relay
) -> None:
    world.publish(*(ConfigChanged("acme", "slack", fields={"mention": f"@{n}"}) for n in range(20)))

    assert relay.send_due() == 1
    assert relay.send_due() == 0
    assert _length(client, "config_changed") == 1


def test_a_relay_at_rest_is_woken_by_one_peek_for_all_that_came(world: World, relay: Relay) -> None:
    relay.rest_seconds = 3_600
    assert relay.send_due() == 0
    world.publish(*(UserSignedUp(f"account-{n}") for n in range(10)))

    assert relay.rest(0.0)
    assert relay.send_due() == 10
    assert not relay.rest(0.0)  # what is due is known, so there is nothing to peek for


def test_what_no_peek_finds_a_look_at_everything_finds(world: World, relay: Relay) -> None:
    relay.rest_seconds = 0
    assert relay.send_due() == 0
    long_ago = world.clock() - timedelta(hours=1)  # as after a transaction that was open for so long
    world.insert_by_hand(type="user_signed_up", linked_account_id="acme", due_at=long_ago)

    assert not relay.rest(0.0)
    wait_until(lambda: relay.send_due() == 1)


def test_a_relay_at_rest_stops_at_once(relay: Relay) -> None:
    relay.rest_seconds = 3_600
    relay.send_due()
    relay.stop.set()

    assert not relay.rest(0.0)


def test_the_queue_is_that_of_the_oldest_due_event(world: World, client: redis.Redis, relay: Relay) -> None:
    world.publish(UserSignedUp("acme", name="A", udf={}))
    world.publish(ConfigChanged("acme", "slack"))
    relay.send_due()

    assert (_length(client, "user_signed_up"), _length(client, "config_changed")) == (1, 0)


def test_a_message_that_redis_lost_is_sent_again(world: World, client: redis.Redis, relay: Relay) -> None:
    event = UserSignedUp("acme", name="A", udf={})
    world.publish(event)
    assert relay.send_due() == 1
    client.flushall()
    assert relay.send_due() == 0
    world.clock.pass_time(RESEND_AFTER.total_seconds() + 1)

    assert relay.send_due() == 1
    with _working(world, client):
        wait_until(lambda: world.event(event)["status"] == "done")


def test_only_two_seconds_worth_of_the_limit_is_under_way(world: World, client: redis.Redis, relay: Relay) -> None:
    world.publish(*(UserSignedUp(f"account-{n}", name="A", udf={}) for n in range(100)))

    assert relay.send_due() == 40
    assert relay.send_due() == 0
    with world.engine.begin() as connection:
        assert count_under_way(connection, world.clock()) == (40, 0)


def test_more_is_rung_once_a_tenth_of_what_is_under_way_is_done(
    world: World, client: redis.Redis, relay: Relay
) -> None:
    world.publish(*(UserSignedUp(f"account-{n}", name="A", udf={}) for n in range(100)))
    assert relay.send_due() == 40
    under_way = [row["linked_account_id"] for row in world.rows("work")]

    for account in under_way[:4]:
        world.attempts.attempt(account)
    assert relay.send_due() == 0
    world.attempts.attempt(under_way[4])
    assert relay.send_due() == 5


def test_no_message_can_be_delayed_and_no_thread_asks_for_delayed_ones(client: redis.Redis, broker: Broker) -> None:
    message: Message[None] = Message(queue_name=CATALOGUE, actor_name=CATALOGUE, args=(), kwargs={}, options={})

    with pytest.raises(ValueError, match="cannot be delayed"):
        broker.enqueue(message, delay=1)
    assert client.keys() == []
    assert broker.get_declared_delay_queues() == set()
    assert CATALOGUE in broker.get_declared_queues()


def test_a_noisy_customer_takes_one_place(world: World, relay: Relay) -> None:
    world.publish(*(ConfigChanged("noisy", "slack", fields={"mention": f"@{n}"}) for n in range(600)))
    world.publish(UserSignedUp("quiet", name="Q", udf={}))

    assert relay.send_due() == 1  # the noisy one fills the first look ...
    assert relay.send_due() == 1  # ... and the next one passes over it
    assert {row["linked_account_id"] for row in world.rows("work")} == {"noisy", "quiet"}


def test_two_relays_do_not_ring_twice(world: World, broker: Broker, relay: Relay) -> None:
    other = Relay(engine=world.engine, broker=broker, settings=world.settings, clock=world.clock)
    world.publish(*(UserSignedUp(f"account-{n}", name="A", udf={}) for n in range(10)))

    assert (relay.send_due(), other.send_due()) == (10, 0)


def test_while_halted_one_account_at_a_time_is_rung_to_probe(
    make_world: Callable[..., World], client: redis.Redis
) -> None:
    world = make_world(key="tk_wrong")
    broker = create_broker(client, world.settings)
    declare_queues(broker)
    relay = Relay(engine=world.engine, broker=broker, settings=world.settings, clock=world.clock)
    world.publish(*(UserSignedUp(f"account-{n}", name="A", udf={}) for n in range(10)))
    world.attempts.attempt("account-0")

    assert relay.send_due() == 0
    world.clock.pass_time(2)
    assert relay.send_due() == 1


def test_the_catalogue_is_rung_once_an_account_is_active_and_again_when_it_is_old(
    world: World, client: redis.Redis, relay: Relay
) -> None:
    relay.send_catalogue_refresh()
    assert _length(client, CATALOGUE) == 0
    world.publish(UserSignedUp("acme", name="A", udf={}))
    world.work_until_quiet()
    relay.send_catalogue_refresh()
    relay.send_catalogue_refresh()
    assert _length(client, CATALOGUE) == 1
    world.catalogue.refresh()
    relay.send_catalogue_refresh()
    assert _length(client, CATALOGUE) == 1
    world.clock.pass_time(timedelta(hours=1).total_seconds() + 1)
    relay.send_catalogue_refresh()
    assert _length(client, CATALOGUE) == 2


def test_a_message_for_an_account_without_due_work_costs_no_call(world: World, client: redis.Redis) -> None:
    event = UserSignedUp("acme", name="A", udf={})
    world.publish(event)
    world.work_until_quiet()
    world.calls()
    Actors(world.attempts, world.catalogue).work_on("acme")

    assert world.calls() == []


def test_a_running_relay_gives_positions_to_the_change_feed_also_while_calls_are_halted(
    world: World, relay: Relay
) -> None:
    halt = Halt(reason="the key is refused", since=world.clock(), probe_at=world.clock() + timedelta(hours=1))
    with world.engine.begin() as connection:
        record_halt(connection, halt)
    world.publish(UserSignedUp("acme"))
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        wait_until(lambda: [row["position"] for row in world.rows("changes", type="work.halted")] == [1])
    finally:
        relay.stop.set()
        thread.join()
