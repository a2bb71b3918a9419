"""The sandbox: a stand-in for Cobalt that runs in this process and tells the whole truth about itself."""

from cobalt_mirror.cobalt.sandbox import control, pages
from cobalt_mirror.cobalt.sandbox.knobs import Knobs
from cobalt_mirror.cobalt.sandbox.messages import SandboxRequest, SandboxResponse


class Sandbox(Knobs):
    """A stand-in for Cobalt. Thread-safe: one lock around every call.

    Args:
        clock: Tells the aware time that everything goes by; default the system's.
        seed: Of ids, tokens and every chance; default 0, so that two sandboxes play the same.
        rate_limited: Whether Cobalt's limit holds; default yes. Short for the setting of that name.
        settings: All settings; default Cobalt's documented behaviour.
        keys: API key by environment; a key of an environment left out is a wrong key.
        org_id: The organisation in answers and notifications.
        test_user: The account that the API refuses to delete in ``test``; None for no such account.
        base_url: Where links in answers lead; default the Host header of the request.
    """

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer one request: the API, a consent or hosted page, or a knob under ``/_sandbox``."""
        with self._lock:
            self._begin()
            if request.path.startswith("/_sandbox/"):
                return control.answer(self, request)
            if request.path == "/consent" or request.path.startswith("/connect/"):
                return pages.answer(self._world, request, base_url=self._base_url)
            return self._gateway.answer(request)
