"""The ASGI application. It needs the database only: no broker, and no Redis but for saying whether that answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cobalt_mirror.db.engine import Clock, create_engine, database_clock
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.event_door import EventDoor
from cobalt_mirror.workers.web.notification_door import NotificationDoor
from cobalt_mirror.workers.web.probes import Probes

log = structlog.get_logger()


def create_app(
    settings: Settings | None = None, *, engine: Engine | None = None, clock: Clock = database_clock
) -> Starlette:
    """The application that `cobalt-mirror web` serves; a host may mount it in its own. Opens nothing by itself.

    Args:
        settings: default: those of the environment.
        engine: the host's to dispose of. Default: one of the application's own, on `DATABASE_URL`. It is disposed of
            when the application's lifespan ends; a mounted application has none and keeps it until the process ends.
        clock: tells the time inside a transaction. Default: the database's.

    Raises:
        BadSetting: a variable has a value that cannot work. Mend it and start again.
    """
    settings = Settings.from_environment() if settings is None else settings
    used = create_engine(settings) if engine is None else engine
    probes = Probes(settings)
    notifications = NotificationDoor(settings, used, clock)
    events = EventDoor(settings, used)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if engine is None:
            used.dispose()

    return Starlette(
        routes=[
            Route("/webhooks/cobalt", notifications.receive, methods=["POST"]),
            Route("/events", events.receive, methods=["POST"]),
            Route("/healthz", probes.lives, methods=["GET"]),
            Route("/readyz", probes.is_ready, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refuse, SQLAlchemyError: _database_failed},
        lifespan=lifespan,
    )


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the type that it is registered for
    return JSONResponse({"error": error.detail}, error.status_code, headers=dict(error.headers or {}))


async def _database_failed(request: Request, error: Exception) -> Response:
    """Nothing was committed, so whoever sent it has to send it again."""
    log.error("database_failed", path=request.url.path, error=f"{type(error).__name__}: {error}"[:300])
    return JSONResponse({"error": "the database failed; send it again later"}, 503)
