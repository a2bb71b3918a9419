"""`GET /healthz` and `GET /readyz`: whether the process is alive, and whether database and Redis are available."""

from dataclasses import dataclass, field

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.db.errors import AccessRefused, DatabaseError, NotMigrated
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()

#: How long Redis may take to answer.
_REDIS_TIMEOUT_SECONDS = 2.0
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Probes:
    """Health checks for a load balancer. They need no authentication, so the answers name no address."""

    settings: Settings
    repeats: Repeats = field(default_factory=Repeats)

    async def is_alive(self, _: Request) -> Response:
        """Answer 200."""
        return JSONResponse({"status": "alive"})

    async def is_ready(self, _: Request) -> Response:
        """Answer 200 if the database is migrated and Redis, if configured, answers; else 503 with the state of each."""
        states = await run_in_threadpool(self._check)
        return JSONResponse(states, 200 if set(states.values()) == {_READY} else 503)

    def _check(self) -> dict[str, str]:
        states = {"database": self._database()}
        return states if self.settings.redis_url is None else {**states, "redis": self._redis(self.settings.redis_url)}

    def _database(self) -> str:
        try:
            check_migrated(self.settings)
        except NotMigrated as error:
            self._warn(str(error))
            return "not migrated"
        except AccessRefused as error:
            self._warn(str(error))
            return "refuses the connection"
        except (DatabaseError, SQLAlchemyError) as error:
            self._warn(str(error)[:300])
            return "unreachable"
        return _READY

    def _redis(self, url: str) -> str:
        try:
            with redis.Redis.from_url(
                url,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=_REDIS_TIMEOUT_SECONDS,
                socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
            ) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            self._warn(f"Redis: {error}"[:300])
            return "unreachable"
        return _READY

    def _warn(self, detail: str) -> None:
        """Log why it is not ready; a load balancer asks every few seconds."""
        if (repeated := self.repeats.count_unless_silent(detail)) is not None:
            log.warning("not_ready", detail=detail, repeated=repeated)
