"""What the page shows: itself, its cards as they are now, and the form for settings."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from cobalt_mirror.db import MirroredConfig, integrations, list_configs
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.workers.web.page.assets import Assets
from cobalt_mirror.workers.web.page.cards import Card, read_cards
from cobalt_mirror.workers.web.page.forms import make_form
from cobalt_mirror.workers.web.page.headers import PRIVATE, security_headers
from cobalt_mirror.workers.web.page.rendering import (
    Appearance,
    render_card,
    render_form,
    render_page,
    render_signed_out,
)
from cobalt_mirror.workers.web.page.visitor import AccountOf, Visitor, find_visitor, get_visitor
from cobalt_mirror.workers.web.waiting import Waiting

#: The longest that a request for cards waits until nothing is pending, in seconds.
LONGEST_WAIT_SECONDS = 2.0
_YEAR_SECONDS = 31_536_000


@dataclass(frozen=True, slots=True)
class Views:
    """Answers the requests that change nothing."""

    account_of: AccountOf
    engine: Engine
    assets: Assets
    appearance: Appearance
    cobalt_url: str
    sign_in: str | None
    waiting: Waiting = field(default_factory=Waiting)

    async def page(self, request: Request) -> Response:
        """Answer with the whole page."""
        visitor = await find_visitor(request, self.account_of)
        if visitor is None and self.sign_in is not None:
            return RedirectResponse(self.sign_in, 303, headers=PRIVATE)
        nonce, digest = secrets.token_urlsafe(16), self.assets.digest
        headers = security_headers(nonce=nonce, cobalt_url=self.cobalt_url)
        if visitor is None:
            return HTMLResponse(render_signed_out(self.appearance, nonce=nonce, digest=digest), 401, headers=headers)
        cards = await run_in_threadpool(self._read_cards, visitor, None)
        html = render_page(self.appearance, cards, nonce=nonce, digest=digest, mark=visitor.mark)
        return HTMLResponse(html, headers=headers)

    async def cards(self, request: Request) -> Response:
        """Answer with the cards, or with one; with `wait`, once nothing is pending, or after two seconds."""
        visitor = await get_visitor(request, self.account_of)
        look = partial(self._read_cards, visitor, request.query_params.get("slug"))
        cards = await run_in_threadpool(look)
        if "wait" in request.query_params:
            cards = await self.waiting.until(
                _are_settled, look, first=cards, request=request, seconds=LONGEST_WAIT_SECONDS
            )
        return JSONResponse({"cards": [_as_json(card) for card in cards]}, headers=PRIVATE)

    async def settings(self, request: Request) -> Response:
        """Answer with the form for the settings of an application; 404 if the mirror does not know any yet."""
        visitor = await get_visitor(request, self.account_of)
        slug, connection_id = request.query_params.get("slug", ""), request.query_params.get("connection_id", "")
        html = await run_in_threadpool(self._form, visitor, slug, connection_id)
        if html is None:
            raise HTTPException(404, "there are no settings yet")
        return HTMLResponse(html, headers=PRIVATE)

    async def static(self, request: Request) -> Response:
        """Answer with a file of the page's. Browsers keep it, unless its address is another release's."""
        asset = self.assets.by_name.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404, "there is no such file")
        is_current = request.path_params["digest"] == self.assets.digest
        kept = f"public, max-age={_YEAR_SECONDS}, immutable" if is_current else "no-store"
        headers = {**PRIVATE, "cache-control": kept, "content-type": asset.media_type}
        return Response(asset.content, headers=headers)

    def _read_cards(self, visitor: Visitor, slug: str | None) -> list[Card]:
        with reading(self.engine).begin() as connection:
            cards = read_cards(connection, visitor.linked_account_id)
        return [card for card in cards if slug is None or card.slug == slug]

    def _form(self, visitor: Visitor, slug: str, connection_id: str) -> str | None:
        with reading(self.engine).begin() as connection:
            config = find_config(connection, visitor, slug, connection_id)
            applications = integrations(connection, visitor.linked_account_id)
        name = next((each.name for each in applications if each.slug == slug), slug)
        return None if config is None else render_form(make_form(config), name=name)


def find_config(connection: Connection, visitor: Visitor, slug: str, connection_id: str) -> MirroredConfig | None:
    """Find the config with the account's own id, which is the one that the page shows; None: there is none."""
    account = visitor.linked_account_id
    key = (account, connection_id, ConfigStatus.INSTALLED)
    configs = list_configs(connection, account, slug=slug)
    return next((each for each in configs if (each.config_id, each.connection_id, each.status) == key), None)


def _are_settled(cards: Sequence[Card]) -> bool:
    """Return whether nothing is pending. No card at all is what a new customer sees until a worker has been there."""
    return bool(cards) and not any(card.is_pending for card in cards)


def _as_json(card: Card) -> dict[str, Any]:
    return {
        "slug": card.slug,
        "name": card.name,
        "state": card.state,
        "pending": card.is_pending,
        "problem": card.problem,
        "faults": card.faults,
        "html": render_card(card),
    }
