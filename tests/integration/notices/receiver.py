"""A host's server that receives notices, and verifies them with the library of Standard Webhooks."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER_SECRET = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


@dataclass(frozen=True)
class Received:
    """A request, with its path, headers and body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> dict[str, Any]:
        """Return what it says, if the signature is right."""
        message: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return message


@dataclass
class Server:
    """Answers requests with what was scripted, then with 204. Use it in a `with` block."""

    script: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> "Server":
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                ours.received.append(Received(self.path, headers, body))
                status, more = ours.script.pop(0) if ours.script else (204, {})
                self.send_response(status)
                for name, value in {"content-length": "0", **more}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, status: int, **headers: str) -> None:
        """Answer the next request like this."""
        self.script.append((status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def take(self) -> list[dict[str, Any]]:
        """Return what was received since the last time, verified."""
        messages = [each.verified() for each in self.received]
        self.received.clear()
        return messages
