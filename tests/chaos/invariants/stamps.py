"""What the mirror showed when a removal was published, as the database noted it."""

from datetime import datetime
from typing import Any

from cobalt_mirror.events import Event
from tests.chaos.evidence import CUT, Evidence, moment
from tests.chaos.invariants.lives import Life


class Stamps:
    """The stamps of all removals."""

    def __init__(self, evidence: Evidence) -> None:
        stamps = [note.details for note in evidence.audit if note.kind == "stamp"]
        self._stamps: dict[tuple[str, str], list[dict[str, Any]]] = {
            (stamp["source"], stamp["id"]): stamp["meant_for"] or [] for stamp in stamps
        }

    def of(self, removal: Event) -> list[dict[str, Any]]:
        """Return the connected accounts in a removal's stamp."""
        return self._stamps.get((removal.source, removal.id), [])

    def find(self, removal: Event, life: Life) -> dict[str, Any] | None:
        """Return what a removal's stamp has of a connected account, or of an earlier one with its name."""
        for shown in self.of(removal):
            if (shown.get("connection_id") or shown["auth_type"]) == life.name:
                return shown
        return None

    def has(self, removal: Event, life: Life, *, made_at: datetime) -> bool:
        """Return whether the mirror showed a connected account as the customer had connected it at this time.

        `connectedAt` moves by itself after that, so the mirror showed this time or a later one.
        """
        shown = self.find(removal, life)
        return shown is not None and made_at <= moment(shown["connected_at"]) + CUT
