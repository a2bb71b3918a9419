"""A client for the control API of a sandbox in another process."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualChange:
    """One change by hand, with its arguments and when it began and ended."""

    action: str
    arguments: Mapping[str, Any]
    began_at: datetime
    ended_at: datetime


@dataclass(slots=True)
class ControlClient:
    """Sends requests to the control API. Safe to share between threads.

    Each thread has an HTTP client of its own: one that threads share may close a connection that was idle while another
    thread begins to use it (encode/httpcore#1110), and a change by hand must not be made twice.
    """

    url: str
    done: list[ManualChange] = field(default_factory=list)
    _of_this_thread: threading.local = field(default_factory=threading.local, repr=False)
    _clients: list[httpx.Client] = field(default_factory=list, repr=False)

    @property
    def _http(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._of_this_thread, "client", None)
        if client is None:
            client = httpx.Client(base_url=f"{self.url}/_sandbox", timeout=30, trust_env=False)
            self._of_this_thread.client = client
            self._clients.append(client)
        return client

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def by_hand(self, action: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make a change in the dashboard, or as a customer; return the answer. None: its subject does not exist."""
        began_at = datetime.now(UTC)
        answer = self._http.post(f"/dashboard/{action}", json=dict(arguments))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        ended_at = datetime.now(UTC)
        self.done.append(ManualChange(action=action, arguments=arguments, began_at=began_at, ended_at=ended_at))
        result: dict[str, Any] = answer.json()
        return result

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Set these fault rules in place of all others."""
        self._http.put("/faults", json=list(faults)).raise_for_status()

    def late_effects(self) -> int:
        """Return the number of late effects that are pending."""
        result: int = self._get("/faults")["late_effects"]
        return result

    def change_settings(self, **changes: Any) -> None:
        """Change settings of the sandbox."""
        self._http.patch("/settings", json=changes).raise_for_status()

    def summary(self) -> dict[str, Any]:
        """Return the counts of the ledger."""
        result: dict[str, Any] = self._get("/ledger/summary")
        return result

    def calls(self) -> list[dict[str, Any]]:
        """Return all calls in the ledger."""
        result: list[dict[str, Any]] = self._get("/ledger/calls")
        return result

    def effects(self) -> list[dict[str, Any]]:
        """Return all effects in the ledger."""
        result: list[dict[str, Any]] = self._get("/ledger/effects")
        return result

    def state(self) -> dict[str, Any]:
        """Return the full state."""
        result: dict[str, Any] = self._get("/state?environment=test")
        return result

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()
