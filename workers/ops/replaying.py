"""A replay: dead events are looked at again now, account by account, in the governor's bulk lane."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.dead_letters import DeadLetter, replay
from cobalt_mirror.db.engine import create_engine, reading
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.log import Key
from cobalt_mirror.db.pauses import list_pauses
from cobalt_mirror.db.single_events import Progress, get_progress
from cobalt_mirror.db.state import find_halt
from cobalt_mirror.db.statuses import EventStatus, PauseScope
from cobalt_mirror.workers.clients import create_client, create_governor
from cobalt_mirror.workers.governor import Lane
from cobalt_mirror.workers.handlers.attempt import Attempts
from cobalt_mirror.workers.redis_clients import create_governor_redis
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()

#: The most events of one account that are set back together.
AT_ONCE = 100
#: The most attempts at one account; the rest of a busy customer's work is left to the workers.
_MOST_ATTEMPTS = 200
#: An account whose work is due again so soon is waited for, at most so often. So what the rate limit puts off stays in
#: the bulk lane, and no more than one account's events reach the workers at a time.
SOON_SECONDS, WAITS = 5.0, 5

#: Shows how many events were looked at, and how many there are.
ShowReplay = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay.

    Attributes:
        by_status: How far the events are that were set back, by their status.
        left: How many were not: somebody stopped it, no calls may be made, or they are not dead any more.
        blocked: Why no calls may be made: all work is halted or paused; None: they may.
    """

    by_status: Mapping[EventStatus, int]
    left: int
    blocked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Sets dead events back to pending and makes attempts at their accounts, until told to stop.

    The events of an account are set back in one transaction, with a check, so that each subject is read first. Whenever
    this ends, each event is dead as before, or pending for the workers.
    """

    attempts: Attempts
    by: str
    show_progress: ShowReplay
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, letters: Sequence[DeadLetter]) -> Replayed:
        """Replay dead events, the account first whose event died first. It ends when all work is halted or paused."""
        by_status, done, blocked = Counter[EventStatus](), 0, None
        for account, batch in batches_of([letter for letter in letters if letter.is_named]):
            blocked = self._find_block()
            if blocked is not None or self.stopped.is_set():
                break
            keys = self._set_back(account, batch)
            if keys:
                by_status.update(self._work_on(account, keys).by_status)
            done += len(batch)
            self.show_progress(done, len(letters))
        return Replayed(by_status=dict(by_status), left=len(letters) - by_status.total(), blocked=blocked)

    def _find_block(self) -> str | None:
        """Find why no calls may be made. A part that is paused waits by itself, with the pause as its reason."""
        with reading(self.attempts.engine).begin() as connection:
            halt, pauses = find_halt(connection), list_pauses(connection, self.attempts.clock(connection))
        whole = next((pause for pause in pauses if pause.scope is PauseScope.EVERYTHING), None)
        if halt is not None:
            return f"work is halted: {halt.reason}"
        return None if whole is None else f"work is paused: {whole.described()}"

    def _set_back(self, account: str, batch: Sequence[DeadLetter]) -> set[Key]:
        """Set one account's events back, each subject to be read, and return those that were still dead."""
        with self.attempts.engine.begin() as connection:
            now = self.attempts.clock(connection)
            keys = replay(connection, [letter.key for letter in batch], by=self.by, at=now)
            for slug in sorted({letter.slug or "" for letter in batch if letter.key in keys}):
                reason = f"{self.by} replayed dead events"
                record_check(connection, account, slug, due_at=now, reason=reason, at_once=True)
        return keys

    def _work_on(self, account: str, keys: Collection[Key]) -> Progress:
        """Make attempts until none of the events was put off for a moment, and return how far they are."""
        waits = 0
        while True:
            self._attempt(account)
            progress, now = self._look(keys)
            if progress.due_at is None or waits == WAITS:
                return progress
            wait = (progress.due_at - now).total_seconds()
            if wait > SOON_SECONDS or self.stopped.wait(max(wait, 0.05)):
                return progress
            waits += 1

    def _attempt(self, account: str) -> None:
        try:
            for _ in range(_MOST_ATTEMPTS):
                if self.stopped.is_set() or not self.attempts.attempt(account):
                    return
        except LeaseLost as error:
            log.warning("lease_lost", account=account, detail=str(error))

    def _look(self, keys: Collection[Key]) -> tuple[Progress, datetime]:
        with reading(self.attempts.engine).begin() as connection:
            return get_progress(connection, keys), self.attempts.clock(connection)


def batches_of(letters: Sequence[DeadLetter]) -> Iterator[tuple[str, Sequence[DeadLetter]]]:
    """Put the events of each account together, at most so many at a time, in the order of their first ones."""
    accounts: dict[str, list[DeadLetter]] = {}
    for letter in letters:
        accounts.setdefault(letter.linked_account_id, []).append(letter)
    for account, its in accounts.items():
        for start in range(0, len(its), AT_ONCE):
            yield account, its[start : start + AT_ONCE]


def replay_all(
    settings: Settings,
    letters: Sequence[DeadLetter],
    *,
    by: str,
    show_progress: ShowReplay,
    stopped: threading.Event,
) -> Replayed:
    """Replay dead events, with the resources that this opens and closes. See `Replay.run`."""
    with ExitStack() as resources:
        redis_client = resources.enter_context(create_governor_redis(settings))
        engine = create_engine(settings)
        resources.callback(engine.dispose)
        governor = create_governor(redis_client, settings, lane=Lane.BULK)
        client = resources.enter_context(create_client(settings, governor=governor))
        attempts = Attempts(engine=engine, client=client, settings=settings, vault=settings.vault())
        return Replay(attempts=attempts, by=by, show_progress=show_progress, stopped=stopped).run(letters)
