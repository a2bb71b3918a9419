"""The actors: one for each event type on its own queue, over one function; one for checks, one for the catalogue."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import dramatiq
import structlog
from dramatiq import Broker

from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.catalogue import Catalogue
from cobalt_mirror.workers.handlers.attempt import Attempts, Progress
from cobalt_mirror.workers.queues import CATALOGUE, CHECKS

log = structlog.get_logger()

#: The longest time that one message works on one account; the rest of a busy customer's work waits for the next one.
LONGEST_TURN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Actors:
    """The actors of a worker. An actor's name is also its queue's name and must never change once deployed."""

    attempts: Attempts
    catalogue: Catalogue

    def register(self, broker: Broker) -> None:
        """Declare all actors to the broker."""
        for name in (*EventType, CHECKS):
            _declare(self.work_on, str(name), broker)
        _declare(self.refresh_catalogue, CATALOGUE, broker)

    def work_on(self, linked_account_id: str) -> None:
        """Work on an account until nothing is due, or its time is used up."""
        ends = time.monotonic() + LONGEST_TURN_SECONDS
        with structlog.contextvars.bound_contextvars(account=linked_account_id):
            try:
                while self.attempts.attempt(linked_account_id) is Progress.SOME and time.monotonic() < ends:
                    pass
            except LeaseLost as error:
                log.warning("lease_lost", detail=str(error))

    def refresh_catalogue(self) -> None:
        """Read the catalogue from Cobalt into the mirror."""
        self.catalogue.refresh()


def _declare(function: Callable[..., None], name: str, broker: Broker) -> None:
    dramatiq.actor(broker=broker, actor_name=name, queue_name=name)(function)
