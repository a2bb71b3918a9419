"""dramatiq's broker over Redis, set up so that what Redis or a worker loses comes back soon."""

from datetime import timedelta
from typing import Any

import dramatiq
import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, ShutdownNotifications, TimeLimit
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from cobalt_mirror.workers.governor import REDIS_PATIENCE_SECONDS
from cobalt_mirror.workers.settings import Settings

#: A worker that gave no sign of life for this long has its messages taken over, in milliseconds (default: a minute).
HEARTBEAT_TIMEOUT_MS = 15_000
#: In how many of a million fetches a worker looks for such messages; the default of 1,000 finds them minutes later.
MAINTENANCE_CHANCE = 100_000


def create_redis(settings: Settings) -> redis.Redis:
    """A client that tries a broken connection again a few times before it gives up."""
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=3)
    return redis.Redis.from_url(settings.require_redis(), retry=retry, socket_timeout=5, socket_connect_timeout=5)


def create_governor_redis(settings: Settings) -> redis.Redis:
    """A client that gives up soon: who asks the governor for a slot goes on without Redis rather than wait for it."""
    retry = Retry(NoBackoff(), retries=1)  # a connection that the server closed is made anew
    patience = REDIS_PATIENCE_SECONDS
    return redis.Redis.from_url(
        settings.require_redis(), retry=retry, socket_timeout=patience, socket_connect_timeout=patience
    )


def longest_turn(settings: Settings) -> timedelta:
    """How long an actor may take over one message before it is interrupted; its lease has run out long before."""
    return 2 * settings.lease_ttl


class NudgeBroker(RedisBroker):
    """A broker without queues for delayed messages, for a message is only a nudge: when something is due is a row.

    dramatiq has a thread in each process ask each of those queues many times a second. With them, three tenths of what
    a busy worker held the interpreter for went into asking queues; without them, one seventh.
    """

    def declare_queue(self, queue_name: str) -> None:
        """Know one more queue, if it is new."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Send a message.

        Raises:
            ValueError: it is to be delayed, so nobody would ever find it.
        """
        if delay is not None:
            raise ValueError("a message cannot be delayed here; write when the work is due into the database")
        return super().enqueue(message)


def create_broker(client: redis.Redis, settings: Settings, *middleware: Middleware) -> RedisBroker:
    """A broker without dramatiq's retries: when to try again is a row in the database, not a message."""
    time_limit_ms = int(longest_turn(settings).total_seconds() * 1_000)
    broker = NudgeBroker(  # type: ignore[no-untyped-call]
        client=client,
        namespace=settings.redis_namespace,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
        dead_message_ttl=60_000,  # nothing depends on a message, so a failed one is not worth keeping
        middleware=[TimeLimit(time_limit=time_limit_ms), ShutdownNotifications(), *middleware],
    )
    dramatiq.set_broker(broker)
    return broker
