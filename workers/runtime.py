"""Builds what a process needs, in one place and in order, and closes it in reverse."""

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
    """The open resources of a process that works on events."""

    settings: Settings
    governor_redis: redis.Redis
    redis: redis.Redis
    engine: Engine
    client: Client

    def actors(self) -> Actors:
        """The actors over these resources."""
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
    """Open what a worker needs. Nothing is connected before its first use.

    Raises:
        db.errors.BadSetting: the key or Redis's address is missing.
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
    """The governor that every caller of Cobalt shares; None when the limit is switched off."""
    return RedisGovernor(client, settings, lane=lane) if settings.cobalt_rate_per_second else None


def create_client(settings: Settings, *, governor: Governor | None = None) -> Client:
    """A client for the Cobalt that the settings name."""
    return Client(
        settings.require_key(),
        base_url=settings.cobalt_base_url,
        timeout_seconds=settings.cobalt_timeout_seconds,
        governor=governor,
    )


def governed_client(settings: Settings | None = None) -> Client:
    """A client for a process of the host's, such as one that mints session tokens, under the governor of the workers.

    Make one when the process starts; threads may share it. A call waits for a slot for two seconds at most and raises
    `cobalt.RateLimited` otherwise: answer the browser with 503 and let it come again.

    Args:
        settings: default: read from the environment, as the workers do. Without `REDIS_URL` the process keeps to its
            share of the limit, `COBALT_RATE_PER_SECOND` divided by `WORKER_PROCESSES`.

    Raises:
        db.errors.BadSetting: the key is missing, or a setting is wrong.
    """
    settings = Settings.from_environment() if settings is None else settings
    if not settings.cobalt_rate_per_second:
        return create_client(settings)
    if settings.redis_url is None:
        return create_client(settings, governor=LocalGovernor(settings))
    redis_client = create_governor_redis(settings)
    return create_client(settings, governor=create_governor(redis_client, settings))
