"""The ASGI application. It needs the database only: Cobalt for reconnect links alone, and Redis can be away."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.engine import Clock, create_engine, database_clock
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.workers.clients import governed_client
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.changes_endpoint import ChangesEndpoint
from cobalt_mirror.workers.web.events_endpoint import EventsEndpoint
from cobalt_mirror.workers.web.metrics_endpoint import MetricsEndpoint
from cobalt_mirror.workers.web.notifications_endpoint import NotificationsEndpoint
from cobalt_mirror.workers.web.probes import Probes
from cobalt_mirror.workers.web.reconnect_endpoint import ReconnectEndpoint
from cobalt_mirror.workers.web.redaction import Redactor

log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
    client: Client | None = None,
    clock: Clock = database_clock,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Return the application that `cobalt-mirror web` serves; a host may mount it in its own. Nothing is opened yet.

    Args:
        settings: Default: read from the environment.
        engine: An engine that the caller disposes of. Default: a new one on `DATABASE_URL`, disposed of when the
            application's lifespan ends; a mounted application has no lifespan and keeps it until the process ends.
        client: A client for Cobalt that the caller closes. Default: a new one under the workers' governor, closed when
            the engine is disposed of; without COBALT_API_KEY there is none, and reconnect links answer 503.
        clock: Returns the time inside a transaction. Default: the database's clock.
        monotonic: The process's clock, in seconds.

    Raises:
        BadSetting: A variable has an invalid value. Correct it and start again.
    """
    settings = Settings.from_environment() if settings is None else settings
    database = create_engine(settings) if engine is None else engine
    own_client = governed_client(settings) if client is None and settings.cobalt_api_key.get_secret_value() else None
    probes = Probes(settings)
    notifications = NotificationsEndpoint(settings, database, clock, _redactor(settings))
    events, metrics = EventsEndpoint(settings, database), MetricsEndpoint(settings, database, clock, monotonic)
    changes = ChangesEndpoint(settings, Numbering(database), monotonic)
    reconnect = ReconnectEndpoint(settings, database, clock, client or own_client)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if own_client is not None:
            own_client.close()
        if engine is None:
            database.dispose()

    app = Starlette(
        routes=[
            *_routes("/webhooks/cobalt", notifications.receive, method="POST"),
            *_routes("/events", events.receive, method="POST"),
            *_routes("/changes", changes.receive, method="GET"),
            *_routes("/reconnect/{token}", reconnect.receive, method="GET"),
            *_routes("/metrics", metrics.receive, method="GET"),
            *_routes("/healthz", probes.is_alive, method="GET"),
            *_routes("/readyz", probes.is_ready, method="GET"),
        ],
        exception_handlers={HTTPException: _refuse, SQLAlchemyError: _database_failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.stopping = changes.stopping  # who serves it sets this before it stops, so that no request waits on
    return app


def _routes(path: str, endpoint: Endpoint, *, method: str) -> list[Route]:
    """Return the routes of a path without and with a slash at its end: Cobalt takes a redirect for a failure."""
    return [Route(address, endpoint, methods=[method]) for address in (path, f"{path}/")]


def _redactor(settings: Settings) -> Redactor:
    secrets = (settings.cobalt_api_key, settings.cobalt_previous_api_key, settings.events_token, settings.metrics_token)
    return Redactor([each.get_secret_value() for each in secrets], limit=settings.notification_error_characters)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the type that it is registered for
    return JSONResponse({"error": error.detail}, error.status_code, headers=dict(error.headers or {}))


async def _database_failed(request: Request, error: Exception) -> Response:
    """Answer 503: nothing was committed, so the client must send the request again."""
    log.error("database_failed", path=request.url.path, error=f"{type(error).__name__}: {error}"[:300])
    return JSONResponse({"error": "the database failed; send the request again later"}, 503)
