"""The doorbell: workers hear of a message without polling, and find it by polling if they did not hear."""

from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import pytest
import redis
from dramatiq import Message, Worker
from dramatiq.brokers.redis import RedisBroker

from cobalt_mirror.workers.broker import ImmediateBroker
from cobalt_mirror.workers.doorbell import Doorbell
from tests.waiting import wait_until

NAMESPACE, QUEUE = "mirror", "greetings"
#: Nobody finds anything by polling within a test.
NEVER = 3_600.0


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@contextmanager
def working(client: redis.Redis, *, poll_seconds: float = NEVER, threads: int = 1) -> Iterator[list[int]]:
    """A worker that writes down the number in each message."""
    done: list[int] = []
    doorbell = Doorbell(client, NAMESPACE, poll_seconds=poll_seconds)
    broker = ImmediateBroker(doorbell=doorbell, client=client, namespace=NAMESPACE, middleware=[])
    dramatiq.actor(broker=broker, actor_name=QUEUE, queue_name=QUEUE)(done.append)
    worker = Worker(broker, worker_timeout=50, worker_threads=threads)
    worker.start()
    try:
        yield done
    finally:
        worker.stop(timeout=10_000)
    assert not [thread for thread in worker.consumers.values() if thread.is_alive()]


def send(client: redis.Redis, *numbers: int) -> None:
    """Send as the relay does."""
    broker = ImmediateBroker(doorbell=Doorbell(client, NAMESPACE), client=client, namespace=NAMESPACE, middleware=[])
    for number in numbers:
        broker.enqueue(message(number))


def message(number: int) -> Message[None]:
    return Message(queue_name=QUEUE, actor_name=QUEUE, args=(number,), kwargs={}, options={})


def test_a_message_comes_through_without_any_polling(client: redis.Redis) -> None:
    with working(client) as done:
        send(client, 1)
        wait_until(lambda: done == [1])
        send(client, 2)
        wait_until(lambda: done == [1, 2])


def test_what_was_sent_before_the_worker_began_is_done_as_well(client: redis.Redis) -> None:
    send(client, 1, 2)
    with working(client) as done:
        wait_until(lambda: done == [1, 2])


def test_more_messages_than_a_worker_takes_at_a_time_are_all_done(client: redis.Redis) -> None:
    with working(client) as done:
        send(client, *range(25))
        wait_until(lambda: len(done) == 25)


def test_a_ring_that_was_lost_is_made_up_for_by_polling(client: redis.Redis) -> None:
    silent = RedisBroker(client=client, namespace=NAMESPACE, middleware=[])  # type: ignore[no-untyped-call]
    with working(client, poll_seconds=0.02) as done:
        silent.enqueue(message(1))
        wait_until(lambda: done == [1])


def test_a_stream_that_cannot_be_used_stops_nothing(client: redis.Redis) -> None:
    client.set(f"{NAMESPACE}:doorbell", "no stream")
    with working(client) as done:
        send(client, 1, 2)
        wait_until(lambda: sorted(done) == [1, 2])


def test_the_stream_does_not_grow_without_end(client: redis.Redis) -> None:
    doorbell = Doorbell(client, NAMESPACE)
    for _ in range(1_300):
        doorbell.ring(QUEUE)

    assert int(str(client.xlen(f"{NAMESPACE}:doorbell"))) < 1_300
