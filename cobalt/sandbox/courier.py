"""Deliver notifications from the outbox to their webhooks, on a thread."""

import threading

import httpx

from cobalt_mirror.cobalt.sandbox.sandbox import Sandbox
from cobalt_mirror.cobalt.sandbox.state import Notification

_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 10.0


class Courier:
    """Delivers due notifications, and retries refused ones. Any answer but 200 is a refusal."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)

    def start(self) -> None:
        """Start delivering."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the current delivery and stop; undelivered notifications stay in the outbox.

        It may not have started yet, as when a signal ends the server before it is ready.
        """
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            while not self._stopped.wait(_LOOK_SECONDS):
                for notification in self._sandbox.take_notifications():
                    if not self._delivered(client, notification):
                        self._sandbox.put_back_notification(notification)

    @staticmethod
    def _delivered(client: httpx.Client, notification: Notification) -> bool:
        try:
            response = client.request(
                notification.method, notification.url, content=notification.body, headers=notification.headers
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return response.status_code == 200
