"""A server on this machine that answers as badly as a test wants."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

Behaviour = Callable[[socket.socket, Event], None]


class Loopback:
    """Gives each accepted connection to `behave`, in a thread of its own, and counts them."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self._stopped = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.accepted = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopped.is_set():
                connection.close()
                return
            self.accepted += 1
            thread = Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection:
            try:
                self._behave(connection, self._stopped)
            except OSError:
                return  # the client has gone, which is what most of these tests are about

    def stop(self) -> None:
        self._stopped.set()
        with socket.create_connection(self._listener.getsockname()):
            pass  # wakes the one that accepts
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@contextmanager
def serving(behave: Behaviour) -> Iterator[Loopback]:
    """A server for the length of a block."""
    server = Loopback(behave)
    try:
        yield server
    finally:
        server.stop()


def request_on(connection: socket.socket) -> bytes:
    """Read one request; empty when the client has closed."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            return b""
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def trickle(connection: socket.socket, stopped: Event, data: bytes) -> None:
    """Send one byte every 20 milliseconds, far more often than any read timeout of a second minds."""
    for byte in data:
        if stopped.wait(0.02):
            return
        connection.sendall(bytes([byte]))


def http(body: bytes, *, status: str = "200 OK", content_type: str = "application/json", length: int = -1) -> bytes:
    """A whole answer, or one that promises another length than it has."""
    promised = len(body) if length < 0 else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {promised}\r\n\r\n"
    return head.encode() + body
