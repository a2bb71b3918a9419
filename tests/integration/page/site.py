"""A host's site with the page mounted, served over HTTP, with a sandbox that browsers reach and a worker behind it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import SandboxServer
from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.web import integrations_page
from cobalt_mirror.workers.web import create_app
from tests.serving import serving
from tests.world import World


def account_of(request: Request) -> str | None:
    """Return who is signed in; a real host has a session, of course."""
    return request.cookies.get("account")


async def sign_in(request: Request) -> Response:
    response = PlainTextResponse("signed in")
    response.set_cookie("account", request.path_params["account"], samesite="lax", httponly=True)
    return response


def make_site(world: World, client: Client, **options: Any) -> Starlette:
    """Return a host's application with the page at /integrations, and with our web application at /mirror."""
    page = integrations_page(
        account_of, settings=world.settings, engine=world.engine, client=client, sign_in="/enter/nobody", **options
    )
    mirror = create_app(world.settings, engine=world.engine, clock=world.clock)
    return Starlette(
        routes=[
            Route("/sign-in/{account:path}", sign_in),
            Mount("/integrations", page),
            Mount("/mirror", mirror),
        ]
    )


@dataclass(frozen=True, slots=True)
class Site:
    """The site, while it is served."""

    url: str
    world: World


@contextmanager
def served_site(world: World, **options: Any) -> Iterator[Site]:
    """Serve the site and the sandbox, and let a worker work, on threads."""
    with (
        SandboxServer(world.sandbox) as sandbox,
        closing(Client(world.key, base_url=sandbox.url)) as client,
        _working(world),
        serving(make_site(world, client, **options)) as port,
    ):
        url = f"http://localhost:{port}"
        client.create_webhook(f"{url}/mirror/webhooks/cobalt", EVENT_NAMES)
        yield Site(url, world)


@contextmanager
def _working(world: World) -> Iterator[None]:
    """Make attempts at whatever is due, as relay and worker do."""
    ends = threading.Event()

    def work() -> None:
        while not ends.wait(0.03):
            for account in world.due_accounts():
                world.attempts.attempt(account)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
