"""Clients of Redis, as the settings say. How long they wait depends on who waits for them."""

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from cobalt_mirror.workers.settings import Settings

#: How long a Redis may take to answer `status` and `doctor`, in seconds.
EXAMINING_TIMEOUT_SECONDS = 3.0
#: How long it may take to answer the governor, before callers go on without it, in seconds.
GOVERNOR_TIMEOUT_SECONDS = 0.5


def create_redis(settings: Settings) -> redis.Redis:
    """Return a client that retries a broken connection a few times."""
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=3)
    return redis.Redis.from_url(settings.require_redis(), retry=retry, socket_timeout=5, socket_connect_timeout=5)


def create_examining_redis(settings: Settings) -> redis.Redis:
    """Return a client for a person who waits: a Redis that hangs is soon said to do so."""
    timeout = EXAMINING_TIMEOUT_SECONDS
    retry = Retry(NoBackoff(), retries=0)
    return redis.Redis.from_url(
        settings.require_redis(), retry=retry, socket_timeout=timeout, socket_connect_timeout=timeout
    )


def create_governor_redis(settings: Settings) -> redis.Redis:
    """Return a client that gives up soon, as the governor works without Redis rather than wait for it."""
    retry = Retry(NoBackoff(), retries=1)  # reconnects if the server closed the connection
    timeout = GOVERNOR_TIMEOUT_SECONDS
    return redis.Redis.from_url(
        settings.require_redis(), retry=retry, socket_timeout=timeout, socket_connect_timeout=timeout
    )
