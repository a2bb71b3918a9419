"""The doorbell: whoever sends a message writes the name of its queue into a stream, and workers wait for that.

dramatiq polls each queue from a thread of its own, ten times a second: two idle processes sent Redis 186 scripts a
second. Here they poll once a second, as the stream tells them at once. Whatever is lost with it is found by that poll.
"""

import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis
from dramatiq import Broker, Consumer, MessageProxy, Worker
from dramatiq.middleware import Middleware

#: Seconds between two polls of a queue while the stream is read, while it cannot be, and while the worker ends.
POLL_SECONDS, UNHEARD_POLL_SECONDS, ENDING_POLL_SECONDS = 1.0, 0.1, 0.05
#: How long one read of the stream waits, in seconds. The client's own timeout must be longer.
_READ_SECONDS = 2.0
#: Seconds until the stream is read again after a failure.
_RETRY_SECONDS = 1.0
#: The length of the stream. What is cut off unread is found by polling.
_LENGTH = 1_000


class Doorbell(Middleware):
    """Ring for a queue, and wait for that. It reads the stream from a thread of its own while a worker runs.

    Args:
        client: Of the Redis of the queues.
        namespace: The prefix of our keys in it.
        poll_seconds: Seconds between two polls of a queue while the stream is read.
    """

    def __init__(self, client: redis.Redis, namespace: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._client, self._key, self._poll_seconds = client, f"{namespace}:doorbell", poll_seconds
        self._bells: dict[str, threading.Event] = {}
        self._is_heard = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, name="doorbell", daemon=True)

    def ring(self, queue_name: str) -> None:
        """Tell all workers that a queue has a message. If Redis does not take it, they find out by polling."""
        with suppress(redis.RedisError):
            self._client.xadd(self._key, {"queue": queue_name}, maxlen=_LENGTH)

    def bell(self, queue_name: str) -> threading.Event:
        """Return what is set when somebody rings for a queue."""
        return self._bells.setdefault(queue_name, threading.Event())

    @property
    def poll_seconds(self) -> float:
        """How long to wait for a ring at present."""
        if self._ending.is_set():
            return ENDING_POLL_SECONDS
        return self._poll_seconds if self._is_heard else UNHEARD_POLL_SECONDS

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Begin to read the stream."""
        self._thread.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Let no consumer wait for long any more, and stop reading."""
        self._ending.set()
        self._ring_all()
        self.ring("")  # wakes the thread, which waits for Redis
        self._thread.join(_READ_SECONDS)

    def _read(self) -> None:
        last: Any = None
        while not self._ending.is_set():
            try:
                if last is None:
                    latest: Any = self._client.xrevrange(self._key, count=1)
                    last = latest[0][0] if latest else "0-0"
                    self._ring_all()  # for what came before
                answer: Any = self._client.xread({self._key: last}, block=int(_READ_SECONDS * 1_000))
                self._is_heard = True
            except redis.RedisError:
                self._is_heard = False
                self._ending.wait(_RETRY_SECONDS)
                continue
            for entry, fields in _entries_of(answer):
                last = entry
                self.bell(fields.get(b"queue", b"").decode(errors="replace")).set()

    def _ring_all(self) -> None:
        for bell in list(self._bells.values()):
            bell.set()


def _entries_of(answer: Any) -> Iterable[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries in the answer of XREAD on one stream, in either version of the protocol."""
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer or ()]
    for entries in streams:
        for each in entries:
            # With version 3, the entries are in a list of their own.
            yield from each if isinstance(each, list) else [each]


class WaitingConsumer(Consumer):
    """A consumer of dramatiq's that waits for the doorbell where that one would sleep.

    Args:
        consumer: dramatiq's, with an idle time of 0.
        doorbell: Of the process.
        queue_name: The name of the queue.
    """

    def __init__(self, consumer: Consumer, doorbell: Doorbell, queue_name: str) -> None:
        self._consumer, self._doorbell = consumer, doorbell
        self._bell = doorbell.bell(queue_name)

    def ack(self, message: MessageProxy) -> None:
        """Take a message out of the queue for good. There is room for another one, so look at once."""
        self._consumer.ack(message)
        self._bell.set()

    def nack(self, message: MessageProxy) -> None:
        """Move a message to the dead letters. There is room for another one, so look at once."""
        self._consumer.nack(message)
        self._bell.set()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give messages back."""
        self._consumer.requeue(messages)

    def __next__(self) -> MessageProxy | None:
        """Return the next message; None if there was none until the next poll."""
        self._bell.clear()  # before the look: what comes after it rings again
        message: MessageProxy | None = next(self._consumer)
        if message is None:
            self._bell.wait(self._doorbell.poll_seconds)
        return message

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()
