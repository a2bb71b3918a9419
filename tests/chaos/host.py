"""The host app: publishes in transactions of its own, and remembers what was accepted."""

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

#: Between two tries while the database is away, in seconds.
_AGAIN_SECONDS = 0.25

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Host:
    """An event counts as accepted when its transaction has committed, and not before.

    Attributes:
        start: the beginning of the run, from which the plan counts.
        accepted: what was accepted, by source and id.
        complaints: what publish refused although it should not.
        counts: `published`, `again` (known already) and `failed` (the database was away).
    """

    engine: Engine
    start: datetime
    closing: threading.Event
    accepted: dict[Key, Event] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, planned: Sequence[Planned]) -> None:
        """Publish until the database takes it, the same ids every time; the plan's end does not end that."""
        events = [self._event(one) for one in planned]
        while not self._try(events):
            if self.closing.wait(_AGAIN_SECONDS):
                return

    def _event(self, planned: Planned) -> Event:
        """The very event that was accepted before, if it was."""
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
            self.counts.update("published" if one.is_new else "again" for one in receipts)
        return True
