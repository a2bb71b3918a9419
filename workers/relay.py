"""The relay: find accounts with due work in the database, and send one message for each. It keeps only its horizon."""

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

from cobalt_mirror.db.due import Due, UnderWay, count_under_way, find_due_accounts, find_earliest_due, mark_sent
from cobalt_mirror.db.engine import Clock, database_clock, reading
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.db.host_columns import EARLIEST
from cobalt_mirror.db.mirror import claim_catalogue_refresh
from cobalt_mirror.db.peek import peeking
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.strays import mend_strays
from cobalt_mirror.events import EVENT_TYPES
from cobalt_mirror.workers.horizon import Horizon
from cobalt_mirror.workers.logs import Repeats
from cobalt_mirror.workers.queues import CATALOGUE, CHECKS
from cobalt_mirror.workers.settings import LONGEST_WAIT_SECONDS, Settings
from cobalt_mirror.workers.telemetry.observing import Observers

log = structlog.get_logger()

#: Seconds between two looks after messages were sent, and while nothing can be sent of what is due.
BUSY_POLL_SECONDS = 0.02
IDLE_POLL_SECONDS = 0.08
#: Seconds between two looks while nothing is due, and between two peeks meanwhile.
REST_SECONDS = 0.5
PEEK_SECONDS = 0.015
#: Seconds between two tries while the database or Redis does not answer.
RETRY_SECONDS = 1.0
#: A round of the loop that takes longer than this hangs: even timeouts of database and Redis are over by then.
LONGEST_ROUND_SECONDS = 120.0
#: A message that led to no work for this long is sent again.
RESEND_AFTER = timedelta(seconds=15)
#: Seconds between two checks of whether the catalogue is due.
CATALOGUE_SECONDS = 1.0
#: Seconds between two searches for events that no attempt would ever meet.
STRAYS_SECONDS = 60.0
#: The most messages under way if no rate limit is set.
MESSAGES_WITHOUT_LIMIT = 500
#: The largest share of the workers' threads that retries have in hand; one message may always be under way.
RETRIES_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many messages may be sent now, and how many of them for work that failed before."""

    accounts: int
    retries: int


def find_room(under_way: UnderWay, *, most: int, threads: int) -> Room:
    """Return how many messages may be sent.

    None until a tenth of all is free, as a query costs the same for few or many. Accounts that fail have their share of
    the threads, however many they are, so that the others always have the rest.

    Args:
        under_way: what is under way.
        most: the most messages under way.
        threads: how many threads the workers have.
    """
    accounts = most - under_way.accounts
    if accounts <= most // 10:
        return Room(accounts=0, retries=0)
    return Room(accounts=accounts, retries=max(int(threads * RETRIES_SHARE), 1) - under_way.retries)


@dataclass(slots=True, kw_only=True)
class Relay:
    """Send messages for due work until `stop` is set. Several may run; each account gets its message from one.

    Attributes:
        rest_seconds: How long it peeks at most before the next look, while nothing is due; None: it does not peek.
    """

    engine: Engine
    broker: Broker
    settings: Settings
    clock: Clock = database_clock
    observers: Observers = field(default_factory=Observers)
    rest_seconds: float | None = REST_SECONDS
    stop: threading.Event = field(default_factory=threading.Event)
    _repeats: Repeats = field(default_factory=Repeats)
    _horizon: Horizon = field(default_factory=Horizon)
    _round_began: float = field(default_factory=time.monotonic)
    _is_nothing_due: bool = False
    _numbering: Numbering = field(init=False)

    def __post_init__(self) -> None:
        self._numbering = Numbering(self.engine)

    def run(self) -> None:
        """Poll and send until `stop` is set. While the database or Redis does not answer, try again."""
        strays_at = catalogue_at = time.monotonic()
        while not self.stop.is_set():
            self._round_began = began = time.monotonic()
            try:
                sent = self.send_due()
                self._numbering.run()
                if began >= catalogue_at:
                    catalogue_at = began + CATALOGUE_SECONDS
                    self.send_catalogue_refresh()
                if began >= strays_at:
                    strays_at = began + STRAYS_SECONDS
                    self.mend_strays()
                self.rest(BUSY_POLL_SECONDS if sent else IDLE_POLL_SECONDS)
            except (SQLAlchemyError, redis.RedisError, BrokerError) as error:
                self._log_failure(error)
                self.stop.wait(RETRY_SECONDS)

    def rest(self, seconds: float) -> bool:
        """Wait for the next look. If the last one found nothing due, wait for longer and peek meanwhile.

        Args:
            seconds: how long to wait while something is due.

        Returns:
            Whether a peek found something.
        """
        since = self._horizon.bound if self._is_nothing_due else None
        if since is None or self.rest_seconds is None:
            self.stop.wait(seconds)
            return False
        ends = time.monotonic() + self.rest_seconds
        with peeking(self.engine, since) as is_due:
            while not self.stop.is_set():
                time.sleep(PEEK_SECONDS)  # `stop.wait` takes 0.07 ms of the processor, and this takes half
                if is_due():
                    return True
                if time.monotonic() >= ends:
                    break
        return False

    def find_fault(self) -> str | None:
        """Return what is wrong for the watchdog: that the loop hangs; None if it does not."""
        hangs = time.monotonic() - self._round_began > LONGEST_ROUND_SECONDS
        return f"the relay has not polled for more than {LONGEST_ROUND_SECONDS:g} s" if hangs else None

    def send_due(self) -> int:
        """Send one message for each account with due work, no more than the rate limit lets workers handle soon.

        Returns:
            Number of messages sent.
        """
        with reading(self.engine).begin() as connection:
            now = self.clock(connection)
            earliest = self._find_earliest(connection, now)
            if earliest is None:
                return 0
            halt = find_halt(connection)
            if halt is not None and now < halt.probe_at:
                return 0
            room = Room(accounts=1, retries=1) if halt else self._find_room(connection, now)
            if room.accounts == 0:
                return 0
            bound = earliest if earliest > EARLIEST else None  # what Python cannot read as a time is no bound
            due = find_due_accounts(connection, now, limit=room.accounts, retries=room.retries, since=bound)
        if not due:
            return 0
        with self.engine.begin() as connection:
            until = now + RESEND_AFTER
            retries = {account.linked_account_id: account.is_retry for account in due}
            marked = mark_sent(connection, retries, now=now, until=until)
        for account in due:
            if account.linked_account_id in marked:
                self._send(account)
        return len(marked)

    def send_catalogue_refresh(self) -> None:
        """Send a message to refresh the catalogue if that is due."""
        with self.engine.begin() as connection:
            is_due = claim_catalogue_refresh(connection, self.clock)
        if is_due:
            self._enqueue(CATALOGUE)

    def mend_strays(self) -> None:
        """Have events met that no attempt would ever meet."""
        with self.engine.begin() as connection:
            number = mend_strays(connection, self.clock(connection))
        if number:
            log.warning("stray_events", number=number)

    def _find_earliest(self, connection: Connection, now: datetime) -> datetime | None:
        """Find when the earliest of the due work was due; see `workers.horizon` for what is looked at."""
        began = time.monotonic()
        since = self._horizon.since(began)
        earliest = find_earliest_due(connection, now, since=since)
        ended = time.monotonic()
        self._horizon.looked(earliest=earliest, now=now, began=began, ended=ended, is_whole=since is None)
        self._is_nothing_due = earliest is None
        return earliest

    def _find_room(self, connection: Connection, now: datetime) -> Room:
        settings = self.settings
        rate = settings.cobalt_rate_per_second
        most = max(int(rate * LONGEST_WAIT_SECONDS), 2) if rate else MESSAGES_WITHOUT_LIMIT
        threads = settings.worker_processes * settings.worker_threads
        return find_room(count_under_way(connection, now), most=most, threads=threads)

    def _send(self, due: Due) -> None:
        # A worker marks an event of an unknown type dead; any queue will do for that.
        self._enqueue(due.type if due.type is not None and due.type in EVENT_TYPES else CHECKS, due.linked_account_id)

    def _enqueue(self, queue: str, *args: str) -> None:
        self.broker.enqueue(Message(queue_name=queue, actor_name=queue, args=args, kwargs={}, options={}))
        self.observers.sent(queue)

    def _log_failure(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:300]
        if (repeated := self._repeats.count_unless_silent(text)) is not None:
            log.warning("relay_failed", error=text, repeated=repeated)
