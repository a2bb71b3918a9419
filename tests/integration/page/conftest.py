"""The page over a world, asked without a browser, by a customer who is signed in."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url
from starlette.types import ASGIApp

from cobalt_mirror.events import UserSignedUp
from cobalt_mirror.workers.web.page.visitor import PAGE_HEADER, Visitor
from tests.integration.page.site import make_site
from tests.world import TEST_KEY, World


def send(
    app: ASGIApp, method: str, path: str, *, cookies: dict[str, str] | None = None, **options: Any
) -> httpx.Response:
    """Send one request to an application of a host."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://app.test", cookies=cookies) as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())


@dataclass
class Visit:
    """A customer at the page, who sends what its script sends."""

    world: World
    account: str = "acme"
    options: dict[str, Any] = field(default_factory=dict)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request, as the browser of who is signed in does."""
        site = make_site(self.world, self.world.client, **self.options)
        cookies = {"account": self.account} if self.account else {}
        return send(site, method, f"/integrations/{path}", cookies=cookies, **options)

    @property
    def headers(self) -> dict[str, str]:
        """What the page's own script sends."""
        return {"sec-fetch-site": "same-origin", PAGE_HEADER: Visitor(self.account).mark}

    def get(self, path: str, **query: str) -> httpx.Response:
        return self.request("GET", path, params=query, headers=self.headers)

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.request("POST", path, json=body, headers=self.headers)

    def card(self, slug: str) -> dict[str, Any]:
        (card,) = self.get("cards", slug=slug).json()["cards"]
        return dict(card)


@pytest.fixture
def migrated_url(sqlite_url: str, migrated_sqlite: Path) -> str:
    """A migrated SQLite file: what the page reads and publishes is tried on both databases where that is written."""
    shutil.copy(migrated_sqlite, make_url(sqlite_url).database or "")
    return sqlite_url


@pytest.fixture
def visit(make_world: Callable[..., World]) -> Visit:
    """Acme, a customer whom Cobalt knows, at the page."""
    world = make_world()
    world.fill_catalogue()
    world.publish(UserSignedUp("acme", name="Acme Ltd"))
    world.work()
    return Visit(world)


@pytest.fixture
def host_environment(monkeypatch: pytest.MonkeyPatch, sqlite_url: str, migrated_sqlite: Path) -> str:
    """The settings of the workers, in the host's environment; the address of the database."""
    shutil.copy(migrated_sqlite, sqlite_url.removeprefix("sqlite:///"))
    variables = {
        "DATABASE_URL": sqlite_url,
        "COBALT_API_KEY": "tk_sandbox",
        "COBALT_BASE_URL": "http://127.0.0.1:1",
        "MIRROR_SECRET_KEYS": TEST_KEY,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return sqlite_url
