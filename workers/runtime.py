"""Build the resources of a process in one place and in order, and close them in reverse."""

from dataclasses import dataclass

import redis
from sqlalchemy import Engine

from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.workers.actors import Actors
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.clients import create_client, create_governor
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.redis_clients import create_governor_redis, create_redis
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.observing import Observers


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The open resources of a worker process."""

    settings: Settings
    governor_redis: redis.Redis
    redis: redis.Redis
    engine: Engine
    client: Client
    observers: Observers

    def actors(self) -> Actors:
        """Return the actors over these resources."""
        settings, engine, client = self.settings, self.engine, self.client
        attempts = Attempts(
            engine=engine, client=client, settings=settings, vault=settings.vault(), observers=self.observers
        )
        return Actors(attempts, Catalogue(engine=engine, client=client, settings=settings))

    def close(self) -> None:
        """Close everything, last opened first."""
        self.client.close()
        self.engine.dispose()
        self.observers.close()
        self.governor_redis.close()
        self.redis.close()


def open_runtime(settings: Settings, observers: Observers) -> Runtime:
    """Open the resources of a worker. Nothing connects before its first use.

    Raises:
        db.errors.BadSetting: COBALT_API_KEY or REDIS_URL is not set. Set it.
    """
    redis_client, governor_redis = create_redis(settings), create_governor_redis(settings)
    governor = create_governor(governor_redis, settings)
    return Runtime(
        settings=settings,
        redis=redis_client,
        governor_redis=governor_redis,
        engine=create_engine(settings, pool_size=settings.worker_threads),
        client=create_client(settings, governor=governor, watch=observers.called if observers else None),
        observers=observers,
    )
