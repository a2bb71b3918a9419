"""The client against the sandbox, in this process and over HTTP, with every request and answer judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.deadline import countdown_transport
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer, SandboxTransport
from tests.unit.cobalt.description import Description, description

__all__ = ["description"]

KEY = "tk_sandbox"


class Judged(httpx.BaseTransport):
    """Carries requests, and has the vendor's description judge each of them and its answer."""

    def __init__(self, carrier: httpx.BaseTransport, description: Description) -> None:
        self._carrier = carrier
        self._description = description

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self._description.judge_request(request)
        response = self._carrier.handle_request(request)
        response.read()
        self._description.judge_answer(request, response)
        return response

    def close(self) -> None:
        self._carrier.close()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(rate_limited=False)


@pytest.fixture(params=["in process", "over http"])
def carrier(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Callable[[], httpx.BaseTransport]]:
    """Makes transports that lead to the sandbox."""
    with ExitStack() as stack:
        if request.param == "in process":
            yield lambda: SandboxTransport(sandbox)
        else:
            url = httpx.URL(stack.enter_context(SandboxServer(sandbox)).url)
            yield lambda: _Readdressed(url)


class _Readdressed(httpx.BaseTransport):
    """Carries requests for Cobalt to the sandbox's address, so that the description knows their host."""

    def __init__(self, url: httpx.URL) -> None:
        self._url = url
        self._carrier = countdown_transport(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = self._url.copy_with(raw_path=request.url.raw_path)
        request.headers["host"] = self._url.netloc.decode()
        return self._carrier.handle_request(request)

    def close(self) -> None:
        self._carrier.close()


@pytest.fixture
def client(carrier: Callable[[], httpx.BaseTransport], description: Description) -> Iterator[Client]:
    with Client(KEY, transport=Judged(carrier(), description)) as client:
        yield client


@pytest.fixture
def unjudged(carrier: Callable[[], httpx.BaseTransport]) -> Iterator[Client]:
    """A client for the tests that mean to break the rules."""
    with Client(KEY, transport=carrier()) as client:
        yield client
