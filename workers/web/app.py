"""The ASGI application. It needs the database only; tokens and reconnect links need Cobalt, too. Redis may be away."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.cobalt import Client
from cobalt_mirror.db.engine import Clock, create_engine, database_clock
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web import changes_endpoint, reads_endpoint, reconnect_endpoint, token_endpoint
from cobalt_mirror.workers.web.changes_endpoint import ChangesEndpoint
from cobalt_mirror.workers.web.events_endpoint import EventsEndpoint
from cobalt_mirror.workers.web.lazy_client import LazyClient
from cobalt_mirror.workers.web.metrics_endpoint import MetricsEndpoint
from cobalt_mirror.workers.web.notifications_endpoint import NotificationsEndpoint
from cobalt_mirror.workers.web.operation import Guard
from cobalt_mirror.workers.web.operations import Endpoints, make_operations
from cobalt_mirror.workers.web.probes import Probes
from cobalt_mirror.workers.web.reads_endpoint import ReadsEndpoint
from cobalt_mirror.workers.web.reconnect_endpoint import ReconnectEndpoint
from cobalt_mirror.workers.web.redaction import Redactor
from cobalt_mirror.workers.web.token_endpoint import TokenEndpoint
from cobalt_mirror.workers.web.waiting import Places, Waiting

log = structlog.get_logger()


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
        client: Calls Cobalt for session tokens and reconnect links; the caller closes it. Default:
            `governed_client(settings)`, made when it is first needed, and closed when the engine is disposed of.
        clock: Returns the time inside a transaction. Default: the database's clock.
        monotonic: The process's clock, in seconds.

    Raises:
        BadSetting: A variable has an invalid value. Correct it and start again.
    """
    settings = Settings.from_environment() if settings is None else settings
    database = create_engine(settings) if engine is None else engine
    lazy, waiting = LazyClient(settings, client), Waiting(monotonic)
    recorder = CallRecorder(engine=database, clock=clock, share=settings.calls_sample_share)
    endpoints = Endpoints(
        events=EventsEndpoint(settings, database),
        changes=ChangesEndpoint(Numbering(database), waiting, Places(changes_endpoint.MOST_WAITING)),
        reads=ReadsEndpoint(database, clock, waiting, Places(reads_endpoint.MOST_WAITING)),
        tokens=TokenEndpoint(database, lazy, recorder, Places(token_endpoint.MOST_ASKING)),
        reconnect=ReconnectEndpoint(settings, database, clock, lazy, recorder, Places(reconnect_endpoint.MOST_AT_ONCE)),
        notifications=NotificationsEndpoint(settings, database, clock, _redactor(settings)),
        metrics=MetricsEndpoint(settings, database, clock, monotonic),
        probes=Probes(settings),
    )
    operations = make_operations(
        endpoints,
        host=Guard(variable="EVENTS_TOKEN", token=settings.events_token),
        monitor=Guard(variable="METRICS_TOKEN", token=settings.metrics_token),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        lazy.close()
        if engine is None:
            database.dispose()

    app = Starlette(
        routes=[route for operation in operations for route in operation.routes()],
        exception_handlers={HTTPException: _refuse, SQLAlchemyError: _database_failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.operations = operations
    app.state.stopping = waiting.stopping  # who serves it sets this before it stops, so that no request waits on
    return app


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
