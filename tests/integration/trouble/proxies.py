"""What stands between two of our parts and spoils something: a slow line, a header that is lost, a wrong clock."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from sqlalchemy import URL, make_url
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cobalt_mirror.cobalt.signatures import SIGNATURE_HEADER

_BUFFER = 65_536


def without_signature(app: ASGIApp) -> ASGIApp:
    """Hand on all headers but that of the signature."""

    async def handed_on(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != SIGNATURE_HEADER.encode()]
        await app({**scope, "headers": headers}, receive, send)

    return handed_on


def with_clock(app: ASGIApp, *, ahead: timedelta) -> ASGIApp:
    """Answer with the `Date` of a clock that is ahead."""

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(datetime.now(UTC) + ahead, usegmt=True).encode()
                message = {**message, "headers": [*message.get("headers", ()), (b"date", date)]}
            await send(message)

        await app(scope, receive, send_dated)

    return dated


class DatabaseProxy:
    """Passes everything on, each piece of an answer after a delay, until it is closed: then nothing answers there.

    Attributes:
        delay_seconds: the delay.
    """

    def __init__(self, url: str) -> None:
        self._behind = make_url(url)
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        #: The database's address by way of the proxy.
        self.url = self._behind.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        self._open: list[socket.socket] = [self._listening]
        self.delay_seconds = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more, and cut what is connected."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                server = _connect(self._behind)
                self._open += [client, server]
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_BUFFER):
                if is_answer:
                    time.sleep(self.delay_seconds)
                target.sendall(piece)
            target.shutdown(socket.SHUT_RDWR)


def _connect(url: URL) -> socket.socket:
    folder: Any = url.query.get("host")
    if folder is None:
        return socket.create_connection((str(url.host), url.port or 5432))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{folder}/.s.PGSQL.{url.port or 5432}")
    return server


@contextmanager
def database_proxy(url: str) -> Iterator[DatabaseProxy]:
    """A proxy before a database."""
    proxy = DatabaseProxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
