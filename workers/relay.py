"""The relay: finds accounts with due work in the database and sends one message for each. It holds no state."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
import structlog
from dramatiq import Broker, Message
from dramatiq.errors import BrokerError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.db.due import Due, count_under_way, find_due_accounts, is_anything_due, mark_sent
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.events import EVENT_TYPES
from cobalt_mirror.workers.actors import CATALOGUE, CHECKS
from cobalt_mirror.workers.catalogue import claim_refresh
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings

log = structlog.get_logger()

#: Between two looks while there is work, and while there is none, in seconds.
BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.08
#: Between two looks while the database or Redis is away, in seconds.
AWAY_SECONDS = 1.0
#: A look takes no longer than this, however slow the database and Redis are to say that they are away, in seconds.
LONGEST_LOOK_SECONDS = 120.0
#: A message that led to nothing for this long is sent again.
RESEND_AFTER = timedelta(seconds=15)
#: How often the catalogue's age is looked at, in seconds.
CATALOGUE_SECONDS = 1.0
#: Messages under way when no limit of Cobalt's says how many make sense.
UNLIMITED = 500


@dataclass(slots=True, kw_only=True)
class Relay:
    """Sends messages for due work until it is told to stop. Many may run; an account is rung by one of them."""

    engine: Engine
    broker: Broker
    settings: Settings
    clock: Clock = database_clock
    stop: threading.Event = field(default_factory=threading.Event)
    _is_away: bool = False
    _looked_at: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Look, send, wait, until `stop` is set. A database or Redis that is away is waited for."""
        looks = 0
        while not self.stop.is_set():
            self._looked_at = time.monotonic()
            try:
                if looks % int(CATALOGUE_SECONDS / IDLE_SECONDS) == 0:
                    self.ring_catalogue()
                sent = self.ring()
                self._is_away = False
                wait = BUSY_SECONDS if sent else IDLE_SECONDS
            except (SQLAlchemyError, redis.RedisError, BrokerError) as error:
                self._went_away(error)
                wait = AWAY_SECONDS
            looks += 1
            self.stop.wait(wait)

    def find_fault(self) -> str | None:
        """What a watchdog ends the process for: it hangs; None: it does not."""
        hangs = time.monotonic() - self._looked_at > LONGEST_LOOK_SECONDS
        return f"the relay has not looked for more than {LONGEST_LOOK_SECONDS:g} s" if hangs else None

    def ring(self) -> int:
        """Send one message for each account with due work, as far as Cobalt's limit makes sense.

        Returns:
            How many were sent.
        """
        with reading(self.engine).begin() as connection:
            now = self.clock(connection)
            if not is_anything_due(connection, now):
                return 0
            halt = find_halt(connection)
            if halt is not None and now < halt.probe_at:
                return 0
            room = 1 if halt else self._find_room(connection, now)
            if room == 0:
                return 0
            due = find_due_accounts(connection, now, limit=room)
        if not due:
            return 0
        with self.engine.begin() as connection:
            until = now + RESEND_AFTER
            marked = mark_sent(connection, [one.linked_account_id for one in due], now=now, until=until)
        for one in due:
            if one.linked_account_id in marked:
                self._send(one)
        return len(marked)

    def ring_catalogue(self) -> None:
        """Send a message for the catalogue if it is due."""
        with self.engine.begin() as connection:
            is_due = claim_refresh(connection, self.clock)
        if is_due:
            self._enqueue(CATALOGUE)

    def _find_room(self, connection: Connection, now: datetime) -> int:
        """How many messages make sense: none before a tenth is worked off: a look asks as much for few as for many."""
        rate = self.settings.cobalt_rate_per_second
        most = max(int(rate * LONGEST_WAIT_SECONDS), 2) if rate else UNLIMITED
        room = most - count_under_way(connection, now)
        return room if room > most // 10 else 0

    def _send(self, due: Due) -> None:
        # A type that nobody knows is dead as soon as a worker reads it; any queue will do for that.
        self._enqueue(due.type if due.type is not None and due.type in EVENT_TYPES else CHECKS, due.linked_account_id)

    def _enqueue(self, queue: str, *args: str) -> None:
        self.broker.enqueue(Message(queue_name=queue, actor_name=queue, args=args, kwargs={}, options={}))

    def _went_away(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("relay_waits", error=f"{type(error).__name__}: {error}"[:300])
