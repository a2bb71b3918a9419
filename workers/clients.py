"""Clients of Cobalt, as the settings say: for our processes and for hosts that mint session tokens."""

from collections.abc import Callable

import redis

from cobalt_mirror.cobalt import Client, Governor
from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.cobalt.revocations import Revocations
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.workers.governor import Lane, LocalGovernor, RedisGovernor
from cobalt_mirror.workers.redis_clients import create_governor_redis
from cobalt_mirror.workers.revocations import RedisRevocations
from cobalt_mirror.workers.settings import Settings


def create_governor(client: redis.Redis, settings: Settings, *, lane: Lane = Lane.LIVE) -> Governor | None:
    """Return the governor that all callers of Cobalt share; None if COBALT_RATE_PER_SECOND is 0."""
    return RedisGovernor(client, settings, lane=lane) if settings.cobalt_rate_per_second else None


def create_client(
    settings: Settings,
    *,
    governor: Governor | None = None,
    revocations: Revocations | None = None,
    watch: Callable[[Exchanged], None] | None = None,
) -> Client:
    """Return a client for Cobalt, as the settings say; `watch` is told of each request.

    Raises:
        BadSetting: A setting, or a variable for proxies or certificates, cannot be used. Correct it.
    """
    key = settings.require_key()
    try:
        return Client(
            key,
            base_url=settings.cobalt_base_url,
            timeout_seconds=settings.cobalt_timeout_seconds,
            governor=governor,
            revocations=revocations,
            watch=watch,
        )
    except ValueError as error:
        raise BadSetting(str(error)) from None


def governed_client(settings: Settings | None = None) -> Client:
    """Return a client for a process of the host, such as one that mints session tokens, under the workers' governor.

    Create one when the process starts; threads may share it. A call waits at most two seconds for a slot, then raises
    `cobalt.RateLimited`: answer the browser with 503 and let it try again.

    Args:
        settings: Default: read from the environment, as the workers do. Without `REDIS_URL` the process keeps to its
            share of the limit: `COBALT_RATE_PER_SECOND` divided by `COBALT_PROCESSES`, or by `WORKER_PROCESSES` if that
            is not set. Nor does it then know which session tokens other processes have revoked.

    Raises:
        db.errors.BadSetting: COBALT_API_KEY is not set, or a setting or a variable for proxies is invalid. Correct it.
    """
    settings = Settings.from_environment() if settings is None else settings
    if settings.redis_url is None:
        return create_client(settings, governor=LocalGovernor(settings) if settings.cobalt_rate_per_second else None)
    redis_client = create_governor_redis(settings)
    revocations = RedisRevocations(redis_client, settings)
    return create_client(settings, governor=create_governor(redis_client, settings), revocations=revocations)
