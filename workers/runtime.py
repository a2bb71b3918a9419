"""Builds what a process needs, in one place and in order, and closes it in reverse."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from sqlalchemy import Engine

from cobalt import Client, Governor
from db.engine import create_engine
from workers.actors import Actors
from workers.attempt import Attempts
from workers.broker import create_redis
from workers.catalogue import Catalogue
from workers.governor import Lane, RedisGovernor
from workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The open resources of a process that works on events."""

    settings: Settings
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
        self.redis.close()


def open_runtime(settings: Settings) -> Runtime:
    """Open what a worker needs. Nothing is connected before its first use.

    Raises:
        db.errors.BadSetting: the key or Redis's address is missing.
    """
    redis_client = create_redis(settings)
    return Runtime(
        settings=settings,
        redis=redis_client,
        engine=create_engine(settings, pool_size=settings.worker_threads),
        client=create_client(settings, governor=create_governor(redis_client, settings)),
    )


def create_governor(client: redis.Redis, settings: Settings, *, lane: Lane = "live") -> Governor | None:
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


@contextmanager
def runtime(settings: Settings) -> Iterator[Runtime]:
    """`open_runtime`, closed at the end."""
    opened = open_runtime(settings)
    try:
        yield opened
    finally:
        opened.close()
