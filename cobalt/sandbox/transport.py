"""The sandbox behind a sync httpx client, in this process: no sockets and no waiting."""

from collections.abc import Callable

import httpx

from cobalt_mirror.cobalt.sandbox.messages import Delivery, SandboxRequest, read_headers
from cobalt_mirror.cobalt.sandbox.sandbox import Sandbox

_NEVER_IN_A_VALUE = frozenset(b"\x00\n\r\x0b\x0c")


class SandboxTransport(httpx.BaseTransport):
    """Passes requests to a sandbox.

    A late answer raises `httpx.ReadTimeout` at once when it is later than the request's read timeout, and so does an
    answer that never comes, whatever the timeout. A connection that ends without an answer raises
    `httpx.RemoteProtocolError`. The effect at the sandbox may have happened in each case.

    Args:
        sandbox: The sandbox that answers.
        on_latency: Called with the seconds that passed for the caller: the answer's latency, or the timeout. A test
            can advance its clock by them. Default: no call.
    """

    def __init__(self, sandbox: Sandbox, *, on_latency: Callable[[float], object] | None = None) -> None:
        self._sandbox = sandbox
        self._on_latency = on_latency

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        for name, value in request.headers.raw:
            if value != value.strip() or not _NEVER_IN_A_VALUE.isdisjoint(value):
                raise httpx.LocalProtocolError(f"Illegal header value of {name.decode('latin-1')}", request=request)
        path, _, query = request.url.raw_path.partition(b"?")
        response = self._sandbox.handle(
            SandboxRequest(
                method=request.method,
                path=path.decode("ascii"),
                query=query.decode("ascii"),
                headers=read_headers(request.headers.raw),
                body=request.read(),
            )
        )
        patience = request.extensions.get("timeout", {}).get("read")
        if response.delivery is Delivery.CLOSED:
            raise httpx.RemoteProtocolError("The sandbox closed the connection.", request=request)
        if response.delivery is Delivery.SILENT or (patience is not None and response.latency_seconds > patience):
            self._pass(patience or 0.0)
            raise httpx.ReadTimeout("The sandbox did not answer in time.", request=request)
        self._pass(response.latency_seconds)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)

    def _pass(self, seconds: float) -> None:
        if self._on_latency is not None and seconds:
            self._on_latency(float(seconds))
