"""`GET /reconnect/{token}`: leads who opens a reconnect link to Cobalt's connect page, which is made at that moment.

A program that opens links in mails, to examine them, makes a page and connects nothing: it costs one call to Cobalt, or
two if the account had no session token yet. HEAD makes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cobalt_mirror.cobalt import CobaltError, UnknownAccount
from cobalt_mirror.db import MirroredConfig, find_account, list_configs
from cobalt_mirror.db.deletions import find_deletion, find_departure
from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.statuses import ConfigStatus
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.reconnect import ReconnectLink, read_token
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.lazy_client import LazyClient
from cobalt_mirror.workers.web.waiting import Places

log = structlog.get_logger()

#: How many links a process opens at a time: a Cobalt that is slow must not take the threads of the other endpoints.
MOST_AT_ONCE = 8
RETRY_AFTER_SECONDS = 10
#: No browser or proxy keeps an answer, and Cobalt's page is not told the link.
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page that says why a link does not open, in words for a customer."""

    status: int
    title: str
    text: str

    def response(self) -> Response:
        """Return the page."""
        html = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title>"
            "<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:4em auto;padding:0 1em}</style>"
            f"<h1>{escape(self.title)}</h1><p>{escape(self.text)}</p></html>"
        )
        retry = {"retry-after": str(RETRY_AFTER_SECONDS)} if self.status == 503 else {}
        return HTMLResponse(html, self.status, headers={**_HEADERS, **retry})


INVALID = Refusal(
    404,
    "This link is not valid",
    "Perhaps a part of it is missing: copy the whole link from the message. If that does not help, connect again in "
    "the app that sent it to you.",
)
EXPIRED = Refusal(410, "This link has expired", "Connect again in the app that sent it to you, or ask for a new link.")
GONE = Refusal(410, "This account is not there any more", "There is nothing left that this link could connect.")
UNAVAILABLE = Refusal(
    503, "This does not work at the moment", "Open the link again in a minute. It stays valid, and nothing was changed."
)


@dataclass(slots=True)
class ReconnectEndpoint:
    """The endpoint that reconnect links lead to. Who has a link needs no token.

    Attributes:
        places: for the links that are being opened.
    """

    settings: Settings
    engine: Engine
    clock: Clock
    client: LazyClient
    recorder: CallRecorder
    places: Places

    async def receive(self, request: Request) -> Response:
        """Answer 303 to Cobalt's connect page, or a page that says why there is none."""
        link = read_token(self.settings, request.path_params["token"])
        if link is None:
            return INVALID.response()
        with self.places.take() as has_place:
            if not has_place:
                return UNAVAILABLE.response()
            return await run_in_threadpool(self._open, link, makes_page=request.method != "HEAD")

    def _open(self, link: ReconnectLink, *, makes_page: bool) -> Response:
        ids = {"linked_account_id": link.linked_account_id, "slug": link.slug}
        try:
            with reading(self.engine).begin() as connection:
                account = find_account(connection, link.linked_account_id)
                configs = list_configs(connection, link.linked_account_id, slug=link.slug)
                deletion = find_deletion(connection, link.linked_account_id)
                is_gone = account is None or find_departure(connection, link.linked_account_id) is not None
                deleted_at = None if deletion is None else deletion.gone_at
                refusal = find_refusal(link, is_gone=is_gone, deleted_at=deleted_at, now=self.clock(connection))
            if refusal is not None:
                return refusal.response()
            if not makes_page:
                return Response(headers=_HEADERS)
            url = self._make_page(link, config_id=find_config_id(link, configs))
        except UnknownAccount:
            return GONE.response()
        except (CobaltError, SQLAlchemyError) as error:
            log.warning("reconnect_failed", error=f"{type(error).__name__}: {error}"[:300], **ids)
            return UNAVAILABLE.response()
        if url is None:
            log.error("reconnect_failed", error="COBALT_API_KEY is not set; set it and restart", **ids)
            return UNAVAILABLE.response()
        log.info("reconnect_opened", **ids)
        return RedirectResponse(url, 303, headers=_HEADERS)

    def _make_page(self, link: ReconnectLink, *, config_id: str | None) -> str | None:
        client = self.client.find()
        if client is None:
            return None
        return_url = self.settings.reconnect_return_url
        properties = {} if return_url is None else {"redirect_url": return_url}
        account = link.linked_account_id
        with self.recorder.recording({"web": "reconnect link"}, linked_account_id=account, slug=link.slug or ""):
            return client.connect_url(account, config_id=config_id, **properties)


def find_refusal(link: ReconnectLink, *, is_gone: bool, deleted_at: datetime | None, now: datetime) -> Refusal | None:
    """Return why a link does not open; None: it does, as far as we know.

    Args:
        link: what its token says.
        is_gone: whether there is no such account, or it is being deleted.
        deleted_at: when an account of this id was deleted last: who has the id now is perhaps somebody else.
        now: the time.
    """
    if now >= link.expires_at:
        return EXPIRED
    return GONE if is_gone or (deleted_at is not None and link.made_at <= deleted_at) else None


def find_config_id(link: ReconnectLink, configs: Sequence[MirroredConfig]) -> str | None:
    """Return the config that the page is to set up: the only one of the link's application; None: Cobalt chooses."""
    ids = {each.config_id for each in configs if each.slug == link.slug and each.status is ConfigStatus.INSTALLED}
    return ids.pop() if len(ids) == 1 else None
