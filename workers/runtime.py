"""Build the resources of a process in one place and in order, and close them in reverse."""

from dataclasses import dataclass

import redis
from sqlalchemy import Engine

from cobalt_mirror.cobalt import Client, Governor
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.actors import Actors
from cobalt_mirror.workers.broker import create_governor_redis, create_redis
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.governor import Lane, LocalGovernor, RedisGovernor
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The open resources of a worker process."""

    settings: Settings
    governor_redis: redis.Redis
    redis: redis.Redis
    engine: Engine
    client: Client

    def actors(self) -> Actors:
        """Return the actors over these resources."""
        settings, engine, client = self.settings, self.engine, self.client
        attempts = Attempts(engine=engine, client=client, settings=settings, vault=settings.vault())
        return Actors(attempts, Catalogue(engine=engine, client=client, settings=settings))

    def close(self) -> None:
        """Close everything, last opened first."""
        self.client.close()
        self.engine.dispose()
        self.governor_redis.close()
        self.redis.close()


def open_runtime(settings: Settings) -> Runtime:
    """Open the resources of a worker. Nothing connects before its first use.

    Raises:
        db.errors.BadSetting: COBALT_API_KEY or REDIS_URL is not set. Set it.
    """
    redis_client, governor_redis = create_redis(settings), create_governor_redis(settings)
    return Runtime(
        settings=settings,
        redis=redis_client,
        governor_redis=governor_redis,
        engine=create_engine(settings, pool_size=settings.worker_threads),
        client=create_client(settings, governor=create_governor(governor_redis, settings)),
    )


def create_governor(client: redis.Redis, settings: Settings, *, lane: Lane = Lane.LIVE) -> Governor | None:
    """Return the governor that all callers of Cobalt share; None if COBALT_RATE_PER_SECOND is 0."""
    return RedisGovernor(client, settings, lane=lane) if settings.cobalt_rate_per_second else None


def create_client(settings: Settings, *, governor: Governor | None = None) -> Client:
    """Return a client for Cobalt, as the settings say."""
    return Client(
        settings.require_key(),
        base_url=settings.cobalt_base_url,
        timeout_seconds=settings.cobalt_timeout_seconds,
        governor=governor,
    )


def governed_client(settings: Settings | None = None) -> Client:
    """Return a client for a process of the host, such as one that mints session tokens, under the workers' governor.

    Create one when the process starts; threads may share it. A call waits at most two seconds for a slot, then raises
    `cobalt.RateLimited`: answer the browser with 503 and let it try again.

    Args:
        settings: Default: read from the environment, as the workers do. Without `REDIS_URL` the process keeps to its
            share of the limit: `COBALT_RATE_PER_SECOND` divided by `COBALT_PROCESSES`, or by `WORKER_PROCESSES` if that
            is not set.

    Raises:
        db.errors.BadSetting: COBALT_API_KEY is not set, or a setting is invalid. Correct it.
    """
    settings = Settings.from_environment() if settings is None else settings
    if not settings.cobalt_rate_per_second:
        return create_client(settings)
    if settings.redis_url is None:
        return create_client(settings, governor=LocalGovernor(settings))
    redis_client = create_governor_redis(settings)
    return create_client(settings, governor=create_governor(redis_client, settings))
