"""An instant Cobalt: `python -m benchmarks.instant` answers the few calls of the benchmarks as fast as Python can.

It believes everything, checks no key and knows no limit. Configs are remembered, and a PUT replaces them, so that what
both sides read back is what was written. It speaks just as much HTTP/1.1 as httpx does. The first line that it says is
its address.
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

_MOMENT = "2026-01-31T12:00:00.000Z"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ACCOUNT = re.compile(rb"\r\nlinked_account_id: *([^\r]*)", re.IGNORECASE)
#: The form of every application: id, type and whether it is required.
_FIELDS = (("channel", "text", True), ("region", "select", False), ("limit", "number", False), ("note", "text", False))
_OPTIONS = [{"name": name.upper(), "value": name} for name in ("eu", "us", "apac")]

Answer = tuple[int, Any]


class Cobalt:
    """The state of the instant Cobalt: the values of each config."""

    def __init__(self) -> None:
        self._configs: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._routes: dict[tuple[str, str], Callable[[str, dict[str, Any]], Answer]] = {
            ("PUT", "/api/v2/public/linked-account"): self._upsert_account,
            ("POST", "/api/v2/public/config"): self._find_config,
            ("PUT", "/api/v2/public/config"): self._replace_config,
            ("GET", "/api/v2/public/application"): lambda _account, _body: (200, []),
        }

    def answer(self, method: str, path: str, account: str, body: dict[str, Any]) -> Answer:
        """Return the status and the document for one request."""
        route = self._routes.get((method, path.partition("?")[0]))
        if route is None:
            return 404, {
                "status_code": 404,
                "error": "NOT_FOUND",
                "message": f"the instant Cobalt has no {method} {path}",
            }
        return route(account, body)

    @staticmethod
    def _upsert_account(_account: str, body: dict[str, Any]) -> Answer:
        udf = [{"key_name": name, "key_value": value} for name, value in (body.get("udf") or {}).items()]
        return 200, {
            "_id": "65c0ffee65c0ffee65c0ffee",
            "associated_org": "org",
            "account_id": body["linked_account_id"],
            "environment": "test",
            "name": body.get("name"),
            "udf": udf,
            "createdAt": _MOMENT,
            "updatedAt": _MOMENT,
            "__v": 0,
            "new_account": True,
        }

    def _find_config(self, account: str, body: dict[str, Any]) -> Answer:
        config_id = body.get("config_id") or account
        return 200, _shown(body["slug"], config_id, self._configs.setdefault((account, body["slug"], config_id), {}))

    def _replace_config(self, account: str, body: dict[str, Any]) -> Answer:
        config_id = body.get("config_id") or account
        values = self._configs[(account, body["slug"], config_id)] = body.get("fields") or {}
        return 200, _shown(body["slug"], config_id, values)


def _shown(slug: str, config_id: str, values: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {"id": id_, "name": id_.title(), "field_type": kind, "required": is_required}
        | ({"options": _OPTIONS} if kind == "select" else {})
        | ({"value": values[id_]} if id_ in values else {})
        for id_, kind, is_required in _FIELDS
    ]
    return {"slug": slug, "config_id": config_id, "fields": fields, "workflows": [], "field_errors": []}


class Connection(asyncio.Protocol):
    """One kept-alive connection: it reads requests and writes answers."""

    def __init__(self, cobalt: Cobalt) -> None:
        self._cobalt = cobalt
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport for answers."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - asyncio's promise for TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer all complete requests."""
        self._waiting += data
        while (ends := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:ends]
            length = _LENGTH.search(head)
            whole = ends + 4 + (int(length[1]) if length else 0)
            if len(self._waiting) < whole:
                return
            body, self._waiting = self._waiting[ends + 4 : whole], self._waiting[whole:]
            self._transport.write(_response(self._cobalt, head, body))


def _response(cobalt: Cobalt, head: bytes, body: bytes) -> bytes:
    method, path, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    account = _ACCOUNT.search(head)
    status, document = cobalt.answer(
        method, path, unquote(account[1].decode("ascii")) if account else "", json.loads(body) if body else {}
    )
    content = json.dumps(document, separators=(",", ":")).encode()
    start = f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return start.encode() + content


async def _serve() -> None:
    cobalt = Cobalt()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(cobalt), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)  # noqa: T201 - the parent process reads this
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
