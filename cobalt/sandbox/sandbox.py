"""The sandbox: a stand-in for Cobalt that runs in this process and shows its whole state."""

from cobalt_mirror.cobalt.sandbox import control_api, overview, pages
from cobalt_mirror.cobalt.sandbox.controls import Controls
from cobalt_mirror.cobalt.sandbox.messages import SandboxRequest, SandboxResponse


class Sandbox(Controls):
    """A stand-in for Cobalt. Thread-safe: one lock around every call.

    Args:
        clock: Returns the aware time; default the system's clock.
        seed: Seed for random ids, tokens and faults; default 0, so that two sandboxes behave alike.
        rate_limited: Whether Cobalt's rate limit applies; default yes. Overrides the setting of that name.
        settings: All settings; default Cobalt's documented behaviour.
        keys: API key by environment; without one, all keys for that environment are wrong.
        org_id: The organisation in answers and notifications.
        test_user: The account that the API refuses to delete in ``test``; None for no such account.
        base_url: Base of links in answers; default the Host header of the request.
        catalogue: What customers can connect; default the sandbox's own.
    """

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request: the API, the overview, a consent or hosted page, or the control API."""
        with self._lock:
            self._requests_handled += 1
            self._begin()
            if request.path.startswith("/_sandbox/"):
                return control_api.answer(self, request)
            if request.path == "/" and request.method == "GET":
                return overview.answer(self._world, request)
            if request.path == "/consent" or request.path.startswith("/connect/"):
                return pages.answer(self._world, request, base_url=self._base_url)
            return self._gateway.answer(request)
