"""The ASGI application of the page, and its addresses."""

from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cobalt_mirror.cobalt import Client, CobaltError
from cobalt_mirror.db.engine import create_engine, database_clock
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.clients import governed_client
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.page.actions import Actions
from cobalt_mirror.workers.web.page.assets import Assets
from cobalt_mirror.workers.web.page.headers import PRIVATE
from cobalt_mirror.workers.web.page.rendering import Appearance
from cobalt_mirror.workers.web.page.views import Views
from cobalt_mirror.workers.web.page.visitor import HOST_APP, AccountOf

log = structlog.get_logger()


class _Page(Starlette):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the host's application, which mounts this one, for the host's function."""
        await super().__call__({**scope, HOST_APP: scope.get("app")}, receive, send)


def integrations_page(
    account_of: AccountOf,
    *,
    settings: Settings | None = None,
    engine: Engine | None = None,
    client: Client | None = None,
    title: str = "Integrations",
    home: str | None = None,
    sign_in: str | None = None,
    stylesheet: str | None = None,
    sdk: Path | None = None,
) -> Starlette:
    """Return the page on which customers connect applications, as an ASGI application to mount. Nothing is opened yet.

    Args:
        account_of: Returns the linked account id of the customer who is signed in, or None; may be async. It alone
            decides whose data a request sees.
        settings: Default: read from the environment, as the workers do.
        engine: An engine on the database with the mirror, which the caller disposes of. Default: a new one on
            `DATABASE_URL`.
        client: Creates session tokens. Default: `governed_client(settings)`.
        title: The page's heading.
        home: Address of the link back to your app. Default: no link.
        sign_in: Address to which a visitor who is not signed in is sent. Default: a page that says so.
        stylesheet: Address of your stylesheet, which may set the page's CSS variables. Default: the page's own look.
        sdk: File with another version of Cobalt's browser SDK, such as `refold.js` of `@refoldai/refold-js` 10.
            Default: the bundled `@cobaltio/cobalt-js` 8.0.0.

    Raises:
        BadSetting: A variable has an invalid value, or COBALT_API_KEY is not set. Correct it and start again.
        OSError: There is no file `sdk`.
    """
    settings = Settings.from_environment() if settings is None else settings
    database = create_engine(settings) if engine is None else engine
    client = governed_client(settings) if client is None else client
    appearance = Appearance(title=title, home=home, stylesheet=stylesheet)
    views = Views(account_of, database, Assets(sdk), appearance, cobalt_url=client.base_url, sign_in=sign_in)
    recorder = CallRecorder(engine=database, clock=database_clock, share=settings.calls_sample_share)
    actions = Actions(account_of, database, client, recorder, settings.vault())
    return _Page(
        routes=[
            Route("/", views.page, methods=["GET"]),
            Route("/cards", views.cards, methods=["GET"]),
            Route("/settings", views.settings, methods=["GET"]),
            Route("/static/{digest}/{name}", views.static, methods=["GET"]),
            Route("/token", actions.token, methods=["POST"]),
            Route("/connected", actions.connected, methods=["POST"]),
            Route("/disconnect", actions.disconnect, methods=["POST"]),
            Route("/prepared", actions.prepared, methods=["POST"]),
            Route("/settings", actions.save, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refuse, SQLAlchemyError: _database_failed, CobaltError: _cobalt_failed},
    )


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the type that it is registered for
    headers = {**PRIVATE, **(error.headers or {})}
    return JSONResponse({"error": error.detail}, error.status_code, headers=headers)


async def _database_failed(request: Request, error: Exception) -> Response:
    log.error("database_failed", path=request.url.path, error=f"{type(error).__name__}: {error}"[:300])
    return JSONResponse({"error": "this cannot be done now; try again later"}, 503, headers=PRIVATE)


async def _cobalt_failed(request: Request, error: Exception) -> Response:
    log.warning("cobalt_failed", path=request.url.path, error=f"{type(error).__name__}: {error}"[:300])
    headers = {**PRIVATE, "retry-after": "2"}
    return JSONResponse({"error": "this cannot be done now; try again later"}, 503, headers=headers)
