"""`GET /metrics`: what is true of the whole installation, for Prometheus, from one read that is kept for a while."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cobalt_mirror.cobalt.forks import ForkSafeLock
from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.gauges import read_gauges
from cobalt_mirror.db.time_limits import limit_waits
from cobalt_mirror.db.writable import find_write_failure
from cobalt_mirror.extras import describe_missing
from cobalt_mirror.workers.limit_use import LaneUse, read_time, read_use
from cobalt_mirror.workers.ops.causes import read_causes
from cobalt_mirror.workers.redis_clients import create_governor_redis
from cobalt_mirror.workers.settings import Settings

#: For how long one read is answered again, in seconds: several Prometheus servers cost no more than one.
KEPT_SECONDS = 10.0
#: The text format of Prometheus.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class MetricsEndpoint:
    """The endpoint for Prometheus. It names no customer."""

    settings: Settings
    engine: Engine
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _lock: ForkSafeLock = field(default_factory=ForkSafeLock)
    _kept: tuple[float, bytes] | None = None

    async def receive(self, _: Request) -> Response:
        """Answer in the text format of Prometheus."""
        return Response(await run_in_threadpool(self._read), headers={"content-type": CONTENT_TYPE})

    def _read(self) -> bytes:
        try:  # a host may mount the application without this library
            from cobalt_mirror.workers.web.metrics_text import make_text  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise HTTPException(501, describe_missing(error, "workers")) from None
        with self._lock:  # who asks meanwhile gets the same answer
            if self._kept is None or self.monotonic() - self._kept[0] >= KEPT_SECONDS:
                write_failure = find_write_failure(self.engine)
                with reading(self.engine).begin() as connection:
                    limit_waits(connection)
                    now = self.clock(connection)
                    gauges = read_gauges(connection, now)
                    causes = read_causes(
                        connection, self.settings, now=now, dead=gauges.dead, write_failure=write_failure
                    )
                self._kept = self.monotonic(), make_text(gauges, self._read_limit_use(), causes)
            return self._kept[1]

    def _read_limit_use(self) -> Mapping[str, LaneUse] | None:
        """Return what each lane uses of Cobalt's limit; None: Redis does not answer, or there is no governor."""
        if self.settings.redis_url is None or not self.settings.cobalt_rate_per_second:
            return None
        try:
            with create_governor_redis(self.settings) as client:
                return read_use(client, self.settings, read_time(client))
        except redis.RedisError:
            return None
