"""The knobs of a sandbox in another process: changes by hand, faults, settings, the ledger and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One change by hand: what, of what, and between which moments."""

    action: str
    told: Mapping[str, Any]
    began_at: datetime
    ended_at: datetime


@dataclass(slots=True)
class Knobs:
    """Turns the knobs. Threads may share it."""

    url: str
    done: list[Done] = field(default_factory=list)
    _http: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=f"{self.url}/_sandbox", timeout=30, trust_env=False)

    def close(self) -> None:
        """Close the kept connections."""
        self._http.close()

    def by_hand(self, action: str, told: Mapping[str, Any]) -> bool:
        """Change something in the dashboard, or as a customer. False: it is not there (yet, or any more)."""
        began_at = datetime.now(UTC)
        answer = self._http.post(f"/dashboard/{action}", json=dict(told))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        answer.raise_for_status()
        self.done.append(Done(action=action, told=told, began_at=began_at, ended_at=datetime.now(UTC)))
        return True

    def play(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Have these faults in force, and no others."""
        self._http.put("/faults", json=list(faults)).raise_for_status()

    def late_effects(self) -> int:
        """How many effects have yet to land."""
        found: int = self._get("/faults")["late_effects"]
        return found

    def change_settings(self, **changes: Any) -> None:
        """Change settings of the sandbox."""
        self._http.patch("/settings", json=changes).raise_for_status()

    def summary(self) -> dict[str, Any]:
        """The counts of the ledger."""
        found: dict[str, Any] = self._get("/ledger/summary")
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Every call of the ledger."""
        found: list[dict[str, Any]] = self._get("/ledger/calls")
        return found

    def effects(self) -> list[dict[str, Any]]:
        """Every effect of the ledger."""
        found: list[dict[str, Any]] = self._get("/ledger/effects")
        return found

    def state(self) -> dict[str, Any]:
        """The whole truth."""
        found: dict[str, Any] = self._get("/state?environment=test")
        return found

    def _get(self, path: str) -> Any:
        return self._http.get(path).raise_for_status().json()
