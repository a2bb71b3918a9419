"""The host app of the demo: what it does when a customer clicks."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import httpx
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cobalt_mirror.cobalt import Client, RateLimited
from cobalt_mirror.cobalt.governor import Governor
from cobalt_mirror.db import find_account, list_connections
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.events import Event, publish
from cobalt_mirror.workers.demo.page import Page, allow
from cobalt_mirror.workers.errors import Closing

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds between two reads of the mirror while a customer waits for a page.
_POLL_SECONDS = 0.2


@dataclass(slots=True, kw_only=True)
class Host:
    """Publishes in its own transactions, and calls Cobalt under the rate limit that it shares with the workers."""

    engine: Engine
    client: Client
    governor: Governor | None
    closing: threading.Event = field(default_factory=threading.Event)
    browser: httpx.Client = field(default_factory=httpx.Client)
    published: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, *events: Event) -> None:
        """Publish events in one transaction of the host's."""
        with Session(self.engine) as session, session.begin():
            for event in events:
                publish(event, session)
        with self._lock:
            self.published += len(events)

    # --- waiting ------------------------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Wait for as long as a customer thinks.

        Raises:
            Closing: The demo ends.
        """
        if self.closing.wait(seconds):
            raise Closing

    def wait_until_active(self, linked_account_id: str) -> None:
        """Wait until the mirror shows the account as active, as the host's "one moment" page does."""
        while True:
            with reading(self.engine).begin() as connection:
                account = find_account(connection, linked_account_id)
            if account is not None and account.status is AccountStatus.ACTIVE:
                return
            self.wait(_POLL_SECONDS)

    def wait_for_connection(self, linked_account_id: str, slug: str, *, known: Collection[str]) -> str:
        """Wait until the mirror shows a connection that is not known yet, and return its id."""
        while True:
            new = [id_ for id_ in self._mirrored_ids(linked_account_id, slug) if id_ not in known]
            if new:
                return new[0]
            self.wait(_POLL_SECONDS)

    def _mirrored_ids(self, linked_account_id: str, slug: str) -> list[str]:
        with reading(self.engine).begin() as connection:
            rows = [row for row in list_connections(connection, linked_account_id) if row.slug == slug]
        return [account["connection_id"] for row in rows for account in row.accounts or ()]

    # --- calling Cobalt -----------------------------------------------------------------------------------------------

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call Cobalt, and call again when the rate limit allows it."""
        while True:
            try:
                return call(*args, **kwargs)
            except RateLimited as error:
                self.wait(1.0 if error.retry_after_seconds is None else error.retry_after_seconds)

    def mint_token(self, linked_account_id: str) -> None:
        """Mint the session token for a customer's first page, even before a worker has handled the sign-up."""
        self.ask(self.client.session_token, linked_account_id, ensure=True)

    def open_page(self, linked_account_id: str) -> Page:
        """Serve a page with the vendor's SDK, and a session token for it."""
        token = self.ask(self.client.session_token, linked_account_id)
        return Page(browser=self.browser, base_url=self.client.base_url, token=token.token, governor=self.governor)

    def connect_by_consent(self, linked_account_id: str, slug: str) -> None:
        """Open the consent page and submit it with Allow."""
        allow(self.browser, self.ask(self.client.oauth_url, linked_account_id, slug))

    def connect_by_credentials(self, linked_account_id: str, slug: str, credentials: Mapping[str, Any]) -> None:
        """Save credentials that the customer typed in."""
        self.ask(self.client.save_key_credentials, linked_account_id, slug, credentials)
