"""One request to Cobalt and its answer, under one deadline."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from threading import Lock
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
from pydantic import TypeAdapter

from cobalt_mirror.cobalt.answers import Received, error_from, value_from
from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.deadline import Deadline, countdown_transport
from cobalt_mirror.cobalt.errors import (
    CobaltError,
    ConnectFailed,
    DeadlineExceeded,
    NoAnswer,
    RateLimited,
    TransportError,
    UnexpectedAnswer,
)
from cobalt_mirror.cobalt.exchanged import Exchanged, Stopwatch
from cobalt_mirror.cobalt.forks import renew_in_children
from cobalt_mirror.cobalt.governor import Governor

T = TypeVar("T")

LARGEST_ANSWER_BYTES = 10 * 1024 * 1024

# httpx errors after which Cobalt cannot have received the request.
_NEVER_REACHED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


class Exchange:
    """Send calls over pooled connections, each only once and without redirects. Safe to share between threads."""

    def __init__(
        self,
        *,
        base_url: str,
        timeout_seconds: float,
        governor: Governor | None,
        transport: httpx.BaseTransport | None,
        clock: Callable[[], datetime],
        watch: Callable[[Exchanged], None] | None = None,
    ) -> None:
        """Open nothing yet: the first call connects.

        Raises:
            ValueError: An argument is invalid. The text says which.
        """
        if timeout_seconds <= 0:
            raise ValueError(f"timeout_seconds must be above zero, not {timeout_seconds}")
        self.base_url = _checked_base_url(base_url)
        self._timeout_seconds = timeout_seconds
        self._governor = governor
        # The transport itself rather than an httpx.Client: cookies, redirects and retries are not wanted here.
        self._is_own_transport = transport is None
        self._transport: httpx.BaseTransport | None = (
            countdown_transport(httpx.URL(self.base_url)) if transport is None else transport
        )
        self._given_up: list[httpx.BaseTransport | None] = []
        self._lock = Lock()
        self._clock, self._watch = clock, watch
        renew_in_children(self)

    def renew(self) -> None:
        """Give up the parent's connections in a forked child: two processes on one would read each other's answers.

        They are neither closed nor used. The first call makes new ones: that can fail, and must not fail here, where
        the parent's would stay in use. A transport that the caller made stays, as only the caller can renew it.
        """
        self._lock = Lock()
        if self._is_own_transport:
            given_up, self._transport = self._transport, None
            self._given_up.append(given_up)  # kept, so that nothing closes it on the parent's behalf

    def close(self) -> None:
        """Close all connections."""
        if self._transport is not None:
            self._transport.close()

    def deadline(self) -> Deadline:
        """Start the deadline of one public call. All its requests share it, as do waits for the governor."""
        return Deadline(self._timeout_seconds)

    def send(self, call: Call, shape: TypeAdapter[T], *, deadline: Deadline) -> T:
        """Send the call once and return its answer in the expected shape.

        Raises:
            CobaltError: See the tree in `cobalt_mirror.cobalt.errors`.
        """
        stopwatch = Stopwatch(call, self._watch)
        try:
            if self._governor is not None:
                self._governor.acquire()
            stopwatch.sent()
            received = self._receive(call, deadline)
            stopwatch.answered(received.status)
            return self._value(received, shape, call)
        except CobaltError as error:
            stopwatch.failed(error)
            raise
        finally:
            stopwatch.stop()

    def _value(self, received: Received, shape: TypeAdapter[T], call: Call) -> T:
        if 200 <= received.status < 300:
            return value_from(received, shape, call)
        error = error_from(received, call, now=self._clock())
        if isinstance(error, RateLimited) and self._governor is not None:
            self._governor.throttled(error.retry_after_seconds)
        raise error

    def _receive(self, call: Call, deadline: Deadline) -> Received:
        if deadline.left_seconds <= 0:
            raise ConnectFailed(f"not sent, as its {deadline:g} seconds were over; try again later", call=str(call))
        try:
            transport = self._open_transport(call)
            with closing(transport.handle_request(self._request(call, deadline))) as response:
                body = _read(response, call, deadline)
                return Received(status=response.status_code, headers=response.headers, body=body)
        except httpx.HTTPError as error:
            if isinstance(error, httpx.RequestError):
                error.request = httpx.Request(call.method, self.base_url)  # the real one carries the key
            raise _translated(error, call, deadline) from error

    def _open_transport(self, call: Call) -> httpx.BaseTransport:
        """Return the transport. In a forked child the first call makes one."""
        with self._lock:
            if self._transport is None:
                try:
                    self._transport = countdown_transport(httpx.URL(self.base_url))
                except ValueError as error:
                    text = f"not sent, as this forked process can make no connections of its own: {error}"
                    raise ConnectFailed(text, call=str(call)) from error
            return self._transport

    def _request(self, call: Call, deadline: Deadline) -> httpx.Request:
        query = f"?{urlencode(call.query, quote_via=quote, safe='')}" if call.query else ""
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip",
            "user-agent": "cobalt-mirror",
            **call.headers,
        }
        content = None
        if call.body is not None:
            # ASCII, so that a lone surrogate in a value reaches Cobalt, which refuses it, instead of failing here.
            content = json.dumps(call.body, allow_nan=False, separators=(",", ":")).encode("ascii")
            headers["content-type"] = "application/json"
        return httpx.Request(
            call.method,
            f"{self.base_url}{call.path}{query}",
            headers=headers,
            content=content,
            extensions={"timeout": deadline.as_extension()},
        )


def _checked_base_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ValueError("base_url is not a URL; it must look like https://app.refold.ai") from None
    # An @ in the path is of a password that is not encoded, whose beginning was read as a port.
    if url.scheme not in {"http", "https"} or not url.host or "@" in base_url or url.query or url.fragment:
        raise ValueError("base_url must be scheme and host, without user, query or fragment: https://app.refold.ai")
    return base_url.rstrip("/")


def _read(response: httpx.Response, call: Call, deadline: Deadline) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER_BYTES:
            text = f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes; ask for smaller pages"
            raise UnexpectedAnswer(text, call=str(call), effect_possible=call.writes)
        if deadline.left_seconds <= 0:  # for transports that do not obey our deadline
            raise _too_late(call, deadline)
    return bytes(body)


def _too_late(call: Call, deadline: Deadline) -> DeadlineExceeded:
    text = f"no complete answer within {deadline:g} seconds; try again later"
    return DeadlineExceeded(text, call=str(call), effect_possible=call.writes)


def _translated(error: httpx.HTTPError, call: Call, deadline: Deadline) -> TransportError | UnexpectedAnswer:
    """Return our error for an error of httpx; no other code maps them."""
    if isinstance(error, _NEVER_REACHED):
        text = f"Cobalt was not reached ({type(error).__name__}: {error}); check COBALT_BASE_URL and the network"
        return ConnectFailed(text, call=str(call))
    if isinstance(error, httpx.TimeoutException):
        return _too_late(call, deadline)
    if isinstance(error, httpx.DecodingError):
        return UnexpectedAnswer("the compressed answer cannot be decoded", call=str(call), effect_possible=call.writes)
    text = f"the connection broke before the answer was complete ({type(error).__name__}: {error})"
    return NoAnswer(text, call=str(call), effect_possible=call.writes)
