"""A page of the host app in a customer's browser: what the vendor's SDK calls there, with a session token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx

from cobalt_mirror.cobalt import RateLimited
from cobalt_mirror.cobalt.governor import Governor


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One customer's page. A real browser knows nothing of the governor; here it shares the limit with the workers.

    Attributes:
        browser: sends the requests.
        base_url: Cobalt's.
        token: the customer's session token.
        governor: called before every request to Cobalt; None for no limit.
    """

    browser: httpx.Client
    base_url: str
    token: str = field(repr=False)
    governor: Governor | None

    def connection_ids(self, slug: str) -> list[str]:
        """Return the ids of the customer's connections to an application that holds several."""
        application = self._send("GET", f"/api/v2/f-sdk/application/{_quoted(slug)}")
        return [account["connection_id"] for account in application["connected_accounts"]]

    def integrate(self, slug: str, fields: Mapping[str, Any]) -> None:
        """Connect through OAuth: allow it on the consent page, or without a window where Cobalt needs none.

        Args:
            slug: The application.
            fields: What the customer typed in, and what the page says of the connection.
        """
        answer = self._send("POST", f"/api/v1/{_quoted(slug)}/integrate", fields)
        if "auth_url" in answer:
            allow(self.browser, answer["auth_url"])

    def save(self, slug: str, fields: Mapping[str, Any]) -> None:
        """Connect with the credentials that the customer typed in; the page adds what it says of the connection."""
        self._send("POST", f"/api/v2/app/{_quoted(slug)}/save", fields)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        if self.governor is not None:
            self.governor.acquire()
        response = self.browser.request(
            method, f"{self.base_url}{path}", json=body, headers={"authorization": f"Bearer {self.token}"}
        )
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            if self.governor is not None:
                self.governor.throttled(None)
            raise RateLimited(call=f"{method} {path}")
        return response.raise_for_status().json()


def allow(browser: httpx.Client, auth_url: str) -> None:
    """Open a consent page and submit it with Allow."""
    address = urlsplit(auth_url)
    form = {**dict(parse_qsl(address.query)), "decision": "allow"}
    browser.post(address._replace(query="").geturl(), data=form).raise_for_status()


def _quoted(slug: str) -> str:
    return quote(slug, safe="")
