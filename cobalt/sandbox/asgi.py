"""The sandbox as an ASGI application, which really waits and really cuts connections."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cobalt_mirror.cobalt.sandbox.ledger import CallRecord
from cobalt_mirror.cobalt.sandbox.messages import Delivery, SandboxRequest, SandboxResponse, read_headers
from cobalt_mirror.cobalt.sandbox.sandbox import Sandbox


class HangUpProtocol(H11Protocol):
    """uvicorn's protocol; it gives the application the connection, so that it can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": transport}


OnCall = Callable[[CallRecord, float], None]
"""Called after each call of the API with its row in the ledger, and how many milliseconds its answer takes."""


def application(sandbox: Sandbox, *, on_call: OnCall | None = None) -> ASGIApp:
    """Return the sandbox with the CORS headers for browsers."""
    return CORSMiddleware(_Endpoint(sandbox, on_call), allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])


class _Endpoint:
    def __init__(self, sandbox: Sandbox, on_call: OnCall | None) -> None:
        self._sandbox = sandbox
        self._on_call = on_call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        # Answering takes some 0.1 ms, less than handing it to a thread would.
        began = time.perf_counter()
        answer = self._sandbox.handle(_request(scope, body))
        if self._on_call is not None and answer.call is not None:
            self._on_call(answer.call, (time.perf_counter() - began + answer.latency_seconds) * 1_000)
        if answer.latency_seconds:
            await asyncio.sleep(answer.latency_seconds)
        if answer.delivery is Delivery.CLOSED:
            scope["state"]["connection"].abort()
        if answer.delivery is not Delivery.ANSWERED:
            await _until_gone(receive)
            return
        await _response(answer)(scope, receive, send)


def _request(scope: Scope, body: bytes) -> SandboxRequest:
    return SandboxRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=read_headers(scope["headers"]),
        body=body,
    )


def _response(answer: SandboxResponse) -> Response:
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


async def _until_gone(receive: Receive) -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
