"""A timeout over a whole call, and a transport that obeys it.

httpx's timeouts start again with every operation: a server that sends one byte a second never exceeds them. httpcore
passes its timeouts unchanged to the network backend, so a timeout with a fixed end, and a backend that checks it before
every operation, limit connecting (name lookup included), sending, headers and body together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from ssl import SSLContext
from threading import Thread
from typing import Any

import httpcore
import httpx

from cobalt_mirror.cobalt.proxies import find_proxy

# A socket that reports itself writable takes at least this much at once, so that one piece is one timed operation.
_WRITE_PIECE_BYTES = 2048
# Node closes idle connections after 5 seconds; one that is reused at that very moment loses its request.
_KEEPALIVE_SECONDS = 3.0


class Deadline(float):
    """A number of seconds with a fixed end: a plain timeout for httpcore, a countdown for our backend."""

    _ends: float

    def __new__(cls, seconds: float) -> Deadline:
        """Start the countdown."""
        deadline = super().__new__(cls, seconds)
        deadline._ends = time.monotonic() + seconds
        return deadline

    @property
    def left_seconds(self) -> float:
        """The seconds left, never below zero."""
        return max(self._ends - time.monotonic(), 0.0)

    def as_extension(self) -> dict[str, float]:
        """Return the deadline in the form of httpx's request extension `timeout`."""
        return {"pool": self.left_seconds, "connect": self, "write": self, "read": self}


def _left(timeout: float | None, *, error: type[httpcore.TimeoutException]) -> float | None:
    """Return the timeout for one operation; an exhausted one raises, as zero would mean "do not block" to a socket."""
    if not isinstance(timeout, Deadline):
        return timeout
    seconds = timeout.left_seconds
    if seconds <= 0:
        raise error("the time for the whole call ran out")
    return seconds


class _CountdownStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, error=httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_PIECE_BYTES):
            piece = buffer[start : start + _WRITE_PIECE_BYTES]
            self._stream.write(piece, _left(timeout, error=httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _left(timeout, error=httpcore.ConnectTimeout)
        return _CountdownStream(self._stream.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CountdownBackend(httpcore.NetworkBackend):
    """A network backend whose operations end with a `Deadline`; other timeouts apply to each operation as usual."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        """Wrap the backend that does the work."""
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, in a separate thread: name lookup has no timeout, and each address tried would begin a new one."""
        seconds = _left(timeout, error=httpcore.ConnectTimeout)
        return _CountdownStream(
            _within(seconds, lambda: self._backend.connect_tcp(host, port, seconds, local_address, socket_options))
        )


def _within(seconds: float | None, connect: Callable[[], httpcore.NetworkStream]) -> httpcore.NetworkStream:
    """Return what `connect` returns, or stop waiting: the thread closes a stream that comes too late."""
    future: Future[httpcore.NetworkStream] = Future()

    def attempt() -> None:
        try:
            stream = connect()
        except Exception as error:  # handed to the caller, whatever it is
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return
        if future.set_running_or_notify_cancel():
            future.set_result(stream)
        else:
            stream.close()

    # A daemon, so that a lookup that hangs does not hold up the end of the process.
    Thread(target=attempt, name="cobalt-connect", daemon=True).start()
    try:
        return future.result(seconds)
    except FutureTimeoutError:
        if future.cancel():
            raise httpcore.ConnectTimeout("the time for the whole call ran out while connecting") from None
        return future.result()  # it came in this very moment


def countdown_transport(base_url: httpx.URL) -> httpx.HTTPTransport:
    """Return a transport with a pool of connections to `base_url`, through the environment's proxy if it names one.

    Raises:
        ValueError: The proxy cannot be used, or the certificates cannot be loaded. Correct the variable in the text.
    """
    limits = httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS)
    try:
        transport = httpx.HTTPTransport(proxy=find_proxy(base_url), limits=limits)
    except OSError as error:
        raise ValueError(
            f"the certificates for TLS cannot be loaded ({error}); check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error
    # httpx has no public option for a backend. If these private names change, the tests with slow servers fail.
    pool = transport._pool
    pool._network_backend = CountdownBackend(pool._network_backend)
    return transport
