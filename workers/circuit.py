"""Whether Cobalt may be called at all: a refused key, or an outage of Cobalt's, halts all work until a probe succeeds.

A halt is a row in the database, so every process keeps to it and it survives restarts. One caller at a time probes.
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
from cobalt_mirror.db.due import hurry_failed
from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.state import Halt, Standing, end_halt, find_halt, get_standing, record_halt
from cobalt_mirror.db.statuses import Move

log = structlog.get_logger()

#: The longest time between two probes, by whose move it is. Waiting work goes on by that much too late at most.
LONGEST_PROBE_WAIT = {Move.OPERATOR: timedelta(seconds=60), Move.PROVIDER: timedelta(seconds=15)}
#: An outage is suspected when Cobalt failed this many accounts, one after another. One customer's trouble is none.
FAILING_ACCOUNTS = 5


class Troubles:
    """Counts, in this process, the accounts that Cobalt failed since it last answered anybody. Threads share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: set[str] = set()

    def note(self, linked_account_id: str, error: Exception | None) -> bool:
        """Note how the calls of one attempt ended (None: well).

        Returns:
            Whether it looks like an outage; then the count begins anew.
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
    """Whether there was no answer of Cobalt's own, or one that says that it is not well."""
    return isinstance(error, TransportError | ServerError | UnexpectedAnswer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Halting:
    """Halts all work and lets it go on. One serves every thread of a process."""

    engine: Engine
    client: Client
    clock: Clock
    troubles: Troubles = field(default_factory=Troubles)

    def stops(self, standing: Standing) -> bool:
        """Whether nobody may call, or not without a probe (`may_call`)."""
        return standing.halt is not None or self._mismatch(standing) is not None

    def may_call(self) -> bool:
        """Whether the key is of this database's environment and no halt is in force.

        When a probe is due, the caller makes it; whoever else comes meanwhile is sent away.
        """
        with self.engine.begin() as connection:
            now, standing = self.clock(connection), get_standing(connection)
            halt, mismatch = standing.halt, self._mismatch(standing)
            if mismatch is not None:
                self.halt(connection, mismatch, now)
                return False
            if halt is None:
                return True
            if now < halt.probe_at:
                return False
            self.halt(connection, halt.reason, now, move=Move(halt.move))  # whoever comes next waits for the answer
        return self._goes_on(Move(halt.move))

    def halt(self, connection: Connection, reason: str, now: datetime, *, move: Move = Move.OPERATOR) -> None:
        """Stop all calls, or put off the next probe of a halt in force; the waits between probes grow."""
        before = find_halt(connection)
        probes = 0 if before is None else before.probes + 1
        wait = min(LONGEST_PROBE_WAIT[move], timedelta(seconds=2.0 ** min(probes, 10)))
        since = now if before is None else before.since
        record_halt(connection, Halt(reason=reason, since=since, probe_at=now + wait, probes=probes, move=str(move)))
        if before is None:
            log.error("halted", reason=reason, move=str(move))

    def is_halted(self) -> bool:
        """Whether a halt is in force."""
        with reading(self.engine).begin() as connection:
            return find_halt(connection) is not None

    def key_is_refused(self) -> bool:
        """Whether a probe with nothing but the key is refused, too. Nobody knows: no; the next attempt will tell."""
        return self._probe_ends_with(KeyRefused)

    def is_outage(self, linked_account_id: str, error: Exception | None) -> bool:
        """Note how an attempt's calls ended; whether that makes it an outage, which a probe has confirmed."""
        if not self.troubles.note(linked_account_id, error):
            return False
        return self._probe_ends_with(TransportError, ServerError, UnexpectedAnswer)

    def _mismatch(self, standing: Standing) -> str | None:
        pinned, ours = standing.environment, self.client.environment
        if pinned is None or ours is None or pinned == ours:
            return None
        return f"this database mirrors the {pinned} environment and COBALT_API_KEY is a {ours} key"

    def _goes_on(self, move: Move) -> bool:
        """Probe, and end the halt if it is over. A refused key ends an outage all the same: Cobalt answers."""
        try:
            self.client.probe()
        except KeyRefused:
            if move is Move.OPERATOR:
                return False
        except CobaltError:
            return False
        with self.engine.begin() as connection:
            end_halt(connection)
            if move is Move.PROVIDER:
                hurry_failed(connection, self.clock(connection))
        log.warning("halt_ended")
        return True

    def _probe_ends_with(self, *errors: type[CobaltError]) -> bool:
        try:
            self.client.probe()
        except CobaltError as error:
            return isinstance(error, errors)
        return False
