"""dramatiq's Redis broker, set up so that messages lost by Redis or a worker are replaced soon."""

from datetime import timedelta
from typing import Any

import dramatiq
import redis
from dramatiq import Consumer, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, ShutdownNotifications, TimeLimit

from cobalt_mirror.workers.doorbell import Doorbell, WaitingConsumer
from cobalt_mirror.workers.settings import Settings

#: Messages of a worker without a heartbeat for this long go to others, in milliseconds (dramatiq's default: a minute).
HEARTBEAT_TIMEOUT_MS = 15_000
#: In how many of a million fetches a worker looks for such messages; with the default of 1,000 it takes minutes.
MAINTENANCE_CHANCE = 500_000


def message_timeout(settings: Settings) -> timedelta:
    """Return the longest time for one message before the actor is interrupted; its lease has expired long before."""
    return 2 * settings.lease_ttl


class ImmediateBroker(RedisBroker):
    """A broker without queues for delayed messages: when work is due is stored in the database, not in a message.

    In each process, a thread of dramatiq polls each of those queues many times a second. With them, a busy worker spent
    three tenths of its interpreter time on polling queues; without them, one seventh.

    Args:
        doorbell: By which workers hear of a message.
        options: See `RedisBroker`.
    """

    def __init__(self, *, doorbell: Doorbell, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._doorbell = doorbell
        self.add_middleware(doorbell)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, if it is new."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Send a message.

        Raises:
            ValueError: `delay` is given; no queue for delayed messages is read.
        """
        if delay is not None:
            raise ValueError("enqueue: messages cannot be delayed; record the due time in the database")
        sent = super().enqueue(message)
        self._doorbell.ring(message.queue_name)
        return sent

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Return a consumer that waits for the doorbell, however long `timeout` is."""
        return WaitingConsumer(super().consume(queue_name, prefetch, timeout=0), self._doorbell, queue_name)


def create_broker(client: redis.Redis, settings: Settings, *middleware: Middleware) -> RedisBroker:
    """Return a broker without dramatiq's retries: the time of a retry is stored in the database."""
    time_limit_ms = int(message_timeout(settings).total_seconds() * 1_000)
    broker = ImmediateBroker(
        doorbell=Doorbell(client, settings.redis_namespace),
        client=client,
        namespace=settings.redis_namespace,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
        dead_message_ttl=60_000,  # nothing depends on a message, so failed ones need not be kept
        middleware=[TimeLimit(time_limit=time_limit_ms), ShutdownNotifications(), *middleware],
    )
    dramatiq.set_broker(broker)
    return broker
