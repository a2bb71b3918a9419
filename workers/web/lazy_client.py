"""The client for Cobalt, made when a request first needs it: an app without a key serves everything else."""

from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.forks import ForkSafeLock
from cobalt_mirror.workers.clients import governed_client
from cobalt_mirror.workers.settings import Settings


@dataclass(slots=True)
class LazyClient:
    """Makes one client for the process, under the workers' governor.

    Attributes:
        settings: what it is made by.
        client: one that the caller closes; None: it is made when it is needed, and closed with this.
    """

    settings: Settings
    client: Client | None = None
    _own: Client | None = None
    _lock: ForkSafeLock = field(default_factory=ForkSafeLock)

    def get(self) -> Client:
        """Return the client.

        Raises:
            HTTPException: 403, as there is no key.
        """
        client = self.find()
        if client is None:
            raise HTTPException(403, "session tokens are disabled: COBALT_API_KEY is not set; set it and restart")
        return client

    def find(self) -> Client | None:
        """Return the client; None: there is no key."""
        if self.client is not None:
            return self.client
        if not self.settings.cobalt_api_key.get_secret_value():
            return None
        with self._lock:
            if self._own is None:
                self._own = governed_client(self.settings)
            return self._own

    def close(self) -> None:
        """Close the client that was made here."""
        if self._own is not None:
            self._own.close()
