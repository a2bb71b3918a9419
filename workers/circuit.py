"""The circuit breaker: a refused key, or an outage of Cobalt, halts all calls until a probe succeeds.

The halt is a row in the database, so all processes obey it and it survives restarts. One caller at a time probes.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine

from cobalt_mirror.cobalt import (
    Client,
    CobaltError,
    KeyRefused,
    RateLimited,
    ResponseError,
    ServerError,
    TransportError,
    UnexpectedAnswer,
)
from cobalt_mirror.cobalt.forks import renew_in_children
from cobalt_mirror.db.due import hurry_failed
from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.state import Halt, Standing, end_halt, find_halt, get_standing, record_halt
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.workers.calls import CallRecorder

log = structlog.get_logger()

#: The longest time between two probes, by who must act. Work resumes at most that long after the cause is gone.
LONGEST_PROBE_WAIT = {Move.OPERATOR: timedelta(seconds=60), Move.PROVIDER: timedelta(seconds=15)}
#: So many different accounts must fail, with no answer from Cobalt between, before a probe asks whether it is an
#: outage. Failures of one account alone never count as one.
FAILING_ACCOUNTS = 5


class FailureCount:
    """Count the accounts that failed in this process since Cobalt last answered. Safe to share between threads."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Start at zero in a forked child. A thread that is not in the child may have held the lock."""
        self._lock = threading.Lock()
        self._accounts: set[str] = set()

    def add(self, linked_account_id: str, error: Exception | None) -> bool:
        """Record how the calls of one attempt ended.

        Args:
            linked_account_id: The account of the attempt.
            error: What ended the attempt, or None if all calls succeeded.

        Returns:
            Whether the limit is reached, so that an outage is suspected. The count then starts again at zero.
        """
        with self._lock:
            if _is_failure(error):
                self._accounts.add(linked_account_id)
            elif error is None or (isinstance(error, ResponseError) and not isinstance(error, RateLimited)):
                self._accounts.clear()
            if len(self._accounts) < FAILING_ACCOUNTS:
                return False
            self._accounts.clear()
            return True


def _is_failure(error: Exception | None) -> bool:
    """Return whether Cobalt did not answer, or answered that it is out of order."""
    return isinstance(error, TransportError | ServerError | UnexpectedAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Halt all calls to Cobalt, and resume them. Safe to share between threads.

    Open means that calls are halted; closed means that they may be made.
    """

    engine: Engine
    client: Client
    clock: Clock
    recorder: CallRecorder
    failures: FailureCount = field(default_factory=FailureCount)

    def blocks(self, standing: Standing) -> bool:
        """Return whether a stored standing forbids calls, at least until `allows_calls` has probed."""
        return standing.halt is not None or self._mismatch(standing) is not None

    def allows_calls(self) -> bool:
        """Return whether calls may be made. If a probe is due, make it first.

        Only one caller makes a due probe; the others get False meanwhile. A key of the other environment opens the
        breaker.
        """
        with self.engine.begin() as connection:
            now, standing = self.clock(connection), get_standing(connection)
            halt, mismatch = standing.halt, self._mismatch(standing)
            if mismatch is not None:
                self.open(connection, mismatch, now)
                return False
            if halt is None:
                return True
            if now < halt.probe_at:
                return False
            self.open(connection, halt.reason, now, move=halt.move)  # other callers wait for this probe's result
        return self._close_after_probe(halt.move)

    def open(self, connection: Connection, reason: str, now: datetime, *, move: Move = Move.OPERATOR) -> None:
        """Halt all calls. If they are halted already, put off the next probe; the waits between probes grow."""
        before = find_halt(connection)
        probes = 0 if before is None else before.probes + 1
        wait = min(LONGEST_PROBE_WAIT[move], timedelta(seconds=2.0 ** min(probes, 10)))
        since = now if before is None else before.since
        record_halt(connection, Halt(reason=reason, since=since, probe_at=now + wait, probes=probes, move=move))
        if before is None:
            log.error("halted", reason=reason, move=str(move))

    def is_open(self) -> bool:
        """Return whether calls are halted."""
        with reading(self.engine).begin() as connection:
            return find_halt(connection) is not None

    def confirm_key_refused(self) -> bool:
        """Probe, and return whether Cobalt refuses the key itself.

        Raises:
            CobaltError: The probe failed otherwise, so it is not known. Try again later.
        """
        try:
            self._probe("is the key refused?")
        except KeyRefused:
            return True
        return False

    def confirm_outage(self, linked_account_id: str, error: Exception | None) -> bool:
        """Count how an attempt's calls ended, and return whether it is an outage that a probe has confirmed."""
        if not self.failures.add(linked_account_id, error):
            return False
        return self._probe_fails_with(TransportError, ServerError, UnexpectedAnswer)

    def _mismatch(self, standing: Standing) -> str | None:
        pinned, of_key = standing.environment, self.client.environment
        if pinned is None or of_key is None or pinned == of_key:
            return None
        return (
            f"COBALT_API_KEY is a {of_key} key and this database mirrors the {pinned} environment; "
            f"set a {pinned} key, or another DATABASE_URL"
        )

    def _close_after_probe(self, move: Move) -> bool:
        """Probe, and resume calls if Cobalt answers. A refused key does end an outage: it is an answer."""
        try:
            self._probe("does Cobalt answer again?")
        except KeyRefused:
            if move is Move.OPERATOR:
                return False
        except CobaltError:
            return False
        with self.engine.begin() as connection:
            now = self.clock(connection)
            end_halt(connection, at=now)
            if move is Move.PROVIDER:
                hurry_failed(connection, now)
        log.warning("halt_ended")
        return True

    def _probe_fails_with(self, *errors: type[CobaltError]) -> bool:
        try:
            self._probe("is it an outage?")
        except CobaltError as error:
            return isinstance(error, errors)
        return False

    def _probe(self, question: str) -> None:
        with self.recorder.recording({"probe": question}):
            self.client.probe()
