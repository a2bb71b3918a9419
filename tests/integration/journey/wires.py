"""Workers whose calls a test can watch: something happens just before and just after Cobalt takes each of them."""

from collections.abc import Callable
from dataclasses import replace

import httpx

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import SandboxTransport
from cobalt_mirror.workers.handlers.attempt import Attempts
from tests.world import World

Hook = Callable[[httpx.Request], object]


class Died(BaseException):
    """The process is gone: nothing of ours may catch this."""


def die(*_details: object) -> None:
    """End the process, as far as its code can tell."""
    raise Died


def _nothing(_request: httpx.Request) -> None:
    return


class Wire(httpx.BaseTransport):
    """Carries requests to a sandbox.

    Args:
        world: whose sandbox answers.
        before: called with the request before it has an effect.
        after: called when it had its effect and nobody has seen the answer yet.
        silence: called when no answer will come.
    """

    def __init__(
        self, world: World, *, before: Hook = _nothing, after: Hook = _nothing, silence: Hook = _nothing
    ) -> None:
        self._wire = SandboxTransport(world.sandbox)
        self._before, self._after, self._silence = before, after, silence

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self._before(request)
        try:
            response = self._wire.handle_request(request)
        except httpx.TransportError:
            self._silence(request)
            raise
        self._after(request)
        return response


def workers_over(world: World, wire: httpx.BaseTransport) -> Attempts:
    """Other workers on the world's database, whose calls go over a wire."""
    client = Client(
        world.key, base_url="http://sandbox.test", transport=wire, timeout_seconds=world.settings.cobalt_timeout_seconds
    )
    return replace(world.attempts, client=client)


class Once:
    """A hook that does something the first time that a call of this method comes by; later calls pass."""

    def __init__(self, method: str, action: Callable[[], object]) -> None:
        self._method, self._action = method, action
        self.is_done = False

    def __call__(self, request: httpx.Request) -> None:
        """Look at a call."""
        if request.method == self._method and not self.is_done:
            self.is_done = True
            self._action()
