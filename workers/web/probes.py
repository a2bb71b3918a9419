"""`GET /healthz` and `GET /readyz`: whether the process lives, and whether it can do its work."""

from dataclasses import dataclass

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.db.errors import DatabaseError, NotMigrated
from cobalt_mirror.db.migrate import check_migrated
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()

#: How long Redis may take to answer, in seconds.
_REDIS_SECONDS = 2.0
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Probes:
    """What a load balancer asks. The answers name no address: whoever asks need not be a friend."""

    settings: Settings

    async def lives(self, _: Request) -> Response:
        """200 as long as the process answers at all."""
        return JSONResponse({"status": "alive"})

    async def is_ready(self, _: Request) -> Response:
        """200 when the database is migrated and Redis, if there is to be one, answers; else 503 and which is not."""
        found = await run_in_threadpool(self._look)
        return JSONResponse(found, 200 if set(found.values()) == {_READY} else 503)

    def _look(self) -> dict[str, str]:
        found = {"database": self._database()}
        return found if self.settings.redis_url is None else {**found, "redis": self._redis(self.settings.redis_url)}

    def _database(self) -> str:
        try:
            check_migrated(self.settings)
        except NotMigrated as error:
            log.warning("not_ready", detail=str(error))
            return "not migrated"
        except (DatabaseError, SQLAlchemyError) as error:
            log.warning("not_ready", detail=str(error)[:300])
            return "unreachable"
        return _READY

    def _redis(self, url: str) -> str:
        try:
            with redis.Redis.from_url(
                url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
            ) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            log.warning("not_ready", detail=f"Redis: {error}"[:300])
            return "unreachable"
        return _READY
