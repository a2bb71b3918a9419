"""The host app: publish in its own transactions, and record the accepted events."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cobalt_mirror.events import Event, EventError, publish
from tests.chaos.steps import Planned

#: Seconds between two tries while the database is down.
_AGAIN_SECONDS = 0.25

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Host:
    """A host. An event counts as accepted after its transaction has committed.

    Attributes:
        start: The beginning of the run, from which the plan's times count.
        accepted: The accepted events, by source and id.
        complaints: Errors of publish that should not have been raised.
        counts: Numbers of `published`, `again` (published before) and `failed` (the database was down).
    """

    engine: Engine
    start: datetime
    closing: threading.Event
    accepted: dict[Key, Event] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, planned: Sequence[Planned]) -> None:
        """Publish until the database accepts it, with the same ids every time, even after the plan's end."""
        events = [self._event(item) for item in planned]
        while not self._try(events):
            if self.closing.wait(_AGAIN_SECONDS):
                return

    def _event(self, planned: Planned) -> Event:
        """Return the event that was accepted before under this id, if any."""
        event = planned.at(self.start)
        with self._lock:
            return self.accepted.get((event.source, event.id), event)

    def _try(self, events: Sequence[Event]) -> bool:
        try:
            with Session(self.engine) as session, session.begin():
                receipts = [publish(event, session) for event in events]
        except SQLAlchemyError:
            with self._lock:
                self.counts["failed"] += 1
            return False
        except EventError as error:
            with self._lock:
                self.complaints.append(f"{[event.id for event in events]}: {error}")
            return True
        with self._lock:
            self.accepted.update({(event.source, event.id): event for event in events})
            self.counts.update("published" if receipt.is_new else "again" for receipt in receipts)
        return True
