"""The client: every call that this project makes to Cobalt, typed, synchronous, each under one deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx

from cobalt_mirror.cobalt.applications import Applications
from cobalt_mirror.cobalt.auth_credentials import AuthCredentials
from cobalt_mirror.cobalt.configs import Configs
from cobalt_mirror.cobalt.environment import Environment
from cobalt_mirror.cobalt.exchange import Exchange
from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.cobalt.governor import Governor
from cobalt_mirror.cobalt.identifiers import fits_header
from cobalt_mirror.cobalt.revocations import Revocations
from cobalt_mirror.cobalt.token_cache import TokenCache
from cobalt_mirror.cobalt.webhooks import Webhooks

DEFAULT_BASE_URL = "https://app.refold.ai"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Client(Applications, AuthCredentials, Configs, Webhooks):
    """A client for Cobalt's API. Threads may share one; close it when the process ends. A forked child may go on using
    it: the child makes connections and a token cache of its own. A `transport` of yours is yours to renew.

    A call never takes longer than `timeout_seconds`, however slowly Cobalt answers and however many requests the call
    needs; the wait for the governor counts. Nothing is retried and no redirect is followed. Any call may raise:

    - `InvalidIdentifier`: an id cannot be sent to Cobalt. Nothing was sent. Stop.
    - `ConnectFailed`: Cobalt was not reached. Try again later.
    - `NoAnswer`, `DeadlineExceeded`, `ServerError`: Cobalt or the network failed. Try again later; if `effect_possible`
      is true, read first, because the write may have happened.
    - `UnexpectedAnswer`: an undocumented answer, such as a proxy's page. Try again later.
    - `RateLimited`: over the rate limit. Wait, then try again.
    - `KeyRefused`: the operator must act; `probe` shows whether the key or only this call is refused.
    - `UnknownAccount`: no such account in this environment. Upsert it, then try again.
    - `Refused`: the same request would be refused again. Stop.

    The client uses the proxy in HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, and the certificates in SSL_CERT_FILE.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = DEFAULT_BASE_URL,
        timeout_seconds: float = 15.0,
        governor: Governor | None = None,
        revocations: Revocations | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = _utc_now,
        watch: Callable[[Exchanged], None] | None = None,
    ) -> None:
        """Open nothing yet: the first call connects.

        Args:
            api_key: `tk...` for the test environment, `pk...` for production.
            base_url: URL of Cobalt.
            timeout_seconds: Total time for one call.
            governor: Rate governor, called before every request; None for no limit.
            revocations: Session tokens that other processes have revoked; None: only this client's own are known.
            transport: Transport for the requests, closed with the client; None for the network. With another transport,
                the deadline is checked only between the pieces of a body.
            clock: Returns the aware time, for the lifetime of tokens; never used for deadlines.
            watch: Called after every request with what it came to, in the request's thread. It must not raise or wait.

        Raises:
            ValueError: The key, the URL, the timeout or a variable of the network is invalid. The text says which,
                without the key.
        """
        if not fits_header(api_key):
            raise ValueError("api_key must be visible ASCII on one line; check COBALT_API_KEY for quotes or line ends")
        exchange = Exchange(
            base_url=base_url,
            timeout_seconds=timeout_seconds,
            governor=governor,
            transport=transport,
            clock=clock,
            watch=watch,
        )
        super().__init__(api_key, exchange, TokenCache(), clock, revocations)

    def __repr__(self) -> str:
        """Return URL and environment, without the key."""
        return f"Client(base_url={self.base_url!r}, environment={self.environment!r})"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._exchange.close()

    @property
    def base_url(self) -> str:
        """Cobalt's URL without a trailing slash, as a page passes it to the browser SDK."""
        return self._exchange.base_url

    @property
    def environment(self) -> Environment | None:
        """The environment of the key; None if its first letters are unknown."""
        return Environment.of_key(self._api_key)
