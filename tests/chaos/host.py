"""The host app: publish in its own transactions, and record the accepted events."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from cobalt_mirror.events import Event, EventError, publish
from tests.around import around_the_rules
from tests.chaos.steps import Ids, Planned, PoisonRow
from tests.integration.isolation.rows import Bad, Inserter

#: Seconds between two tries while the database is down.
_AGAIN_SECONDS = 0.25

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisoned:
    """A row that no worker can read, and what the database said when it refused it; None: it took it."""

    row: Bad
    refusal: str | None


@dataclass(slots=True, kw_only=True)
class Host:
    """A host. An event counts as accepted after its transaction has committed.

    Attributes:
        start: The beginning of the run, from which the plan's times count.
        accepted: The accepted events, by source and id.
        skews: How far the clock of an event's publisher was ahead, in seconds, where it was not right.
        complaints: Errors of publish that should not have been raised.
        poisoned: What became of the INSERT of each row that no worker can read, by its fingerprint.
        counts: Numbers of `published`, `again` (published before) and `failed` (the database was down).
    """

    engine: Engine
    start: datetime
    closing: threading.Event
    accepted: dict[Key, Event] = field(default_factory=dict)
    skews: dict[Key, float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    poisoned: dict[str, Poisoned] = field(default_factory=dict)
    _events: dict[str, Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, planned: Sequence[Planned], ids: Ids) -> bool:
        """Publish until the database accepts it, with the same ids every time, even after the plan's end.

        Returns:
            False, and nothing is published, while what they need is not connected.
        """
        events = [event for item in planned if (event := self._event(item, ids)) is not None]
        if len(events) < len(planned):
            return False
        while not self._try(events):
            if self.closing.wait(_AGAIN_SECONDS):
                break
        return True

    def poison(self, step: PoisonRow) -> None:
        """Insert a row by SQL until the database takes or refuses it."""
        while (outcome := self._try_to_poison(step)) is None:
            if self.closing.wait(_AGAIN_SECONDS):
                return
        with self._lock:
            self.poisoned[step.name] = outcome

    def _try_to_poison(self, step: PoisonRow) -> Poisoned | None:
        transaction = around_the_rules(self.engine) if step.is_around else self.engine.begin()
        try:
            with transaction as connection:
                Inserter(connection).insert([replace(step.row, name=step.name)])
        except (IntegrityError, DataError) as error:
            return Poisoned(row=step.row, refusal=str(error.orig))
        except SQLAlchemyError:
            return None
        return Poisoned(row=step.row, refusal=None)

    def _event(self, planned: Planned, ids: Ids) -> Event | None:
        """Return the event; the one of before, if an event with its id was published already."""
        event = planned.at(self.start, ids)
        if event is None:
            return None
        with self._lock:
            event = self._events.setdefault(event.id, event)
            if planned.skew:
                self.skews[event.source, event.id] = planned.skew
        return event

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
