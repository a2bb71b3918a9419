"""One attempt at one account: load, decide, save. An actor for each event type calls it."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from cobalt_mirror.cobalt import Client, CobaltError, KeyRefused
from cobalt_mirror.db.calls import MadeCalls, record_unless_deleted
from cobalt_mirror.db.engine import Clock, database_clock
from cobalt_mirror.db.errors import LeaseLost
from cobalt_mirror.db.leases import give_back
from cobalt_mirror.db.outcomes import EventUpdate, reopen
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.subject import Opening, get_opening
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.circuit import CircuitBreaker, FailureCount
from cobalt_mirror.workers.handlers.access import Caller
from cobalt_mirror.workers.handlers.calls import calls_of
from cobalt_mirror.workers.handlers.decide import decide, is_bug
from cobalt_mirror.workers.handlers.failing import Failing
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.load import Claim, load
from cobalt_mirror.workers.handlers.save import Save
from cobalt_mirror.workers.handlers.telling import (
    count_outcomes,
    endings,
    failed_endings,
    find_first_deaths,
    first_reason,
    task_of,
)
from cobalt_mirror.workers.outcomes import backoff
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.observing import Observers

log = structlog.get_logger()


class Progress(IntEnum):
    """How far an attempt at an account came. Everything but `NOTHING` is true."""

    #: Nothing is due, another process holds the account, or all work is halted.
    NOTHING = 0
    #: All that was due is done. What came meanwhile, the relay finds.
    ALL = 1
    #: Something is done, and another attempt may find more.
    SOME = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Makes attempts, with everything that they need. One serves every thread of a process."""

    engine: Engine
    client: Client
    settings: Settings
    vault: Vault
    clock: Clock = database_clock
    monotonic: Callable[[], float] = time.monotonic
    backoff: Callable[..., timedelta] = backoff
    failures: FailureCount = field(default_factory=FailureCount)
    observers: Observers = field(default_factory=Observers)

    @property
    def breaker(self) -> CircuitBreaker:
        """The circuit breaker, over the same resources."""
        return CircuitBreaker(
            engine=self.engine,
            client=self.client,
            clock=self.clock,
            recorder=self.recorder,
            failures=self.failures,
        )

    @property
    def recorder(self) -> CallRecorder:
        """What records calls outside of attempts, over the same resources."""
        return CallRecorder(engine=self.engine, clock=self.clock, share=self.settings.calls_sample_share)

    @property
    def failing(self) -> Failing:
        """What puts accounts off, over the same resources."""
        return Failing(engine=self.engine, clock=self.clock, settings=self.settings, backoff=self.backoff)

    def attempt(self, linked_account_id: str) -> Progress:
        """Work on the account's subject that is due the longest. An account whose attempt fails as a whole waits.

        Raises:
            LeaseLost: another worker took over, and does the work.
            SQLAlchemyError: the database fails.
        """
        claim = None
        try:
            with self.engine.begin() as connection:
                began = self.monotonic()
                opening = get_opening(connection, linked_account_id, self.clock)
                is_blocked = self.breaker.blocks(opening.standing)
                # To the relay, what somebody has set back is due, and to `opening` it is finished.
                is_reopened = opening.due is None and reopen(connection, linked_account_id)
                if not (is_blocked or is_reopened):
                    claim = self._load(connection, linked_account_id, opening, began)
            if is_blocked:
                return Progress.SOME if self.breaker.allows_calls() else Progress.NOTHING
            if is_reopened:
                return Progress.SOME
            return Progress.NOTHING if claim is None else self._work(claim)
        except LeaseLost:
            raise
        except Exception as error:
            self.failing.put_off(linked_account_id, claim, error)
            if self.observers:
                failed = failed_endings(None if claim is None else claim.loaded)
                self.observers.attempted(failed)
                self.observers.broke(error, failed, "" if claim is None else claim.loaded.slug)
            return Progress.NOTHING

    def _load(self, connection: Connection, linked_account_id: str, opening: Opening, began: float) -> Claim | None:
        return load(
            connection,
            linked_account_id,
            opening=opening,
            began=began,
            settings=self.settings,
            vault=self.vault,
            backoff=self.backoff,
        )

    def _work(self, claim: Claim) -> Progress:
        with self.observers.attempting(lambda: task_of(claim)) as trace_id:
            return self._carry_out(claim, trace_id)

    def _carry_out(self, claim: Claim, trace_id: str | None) -> Progress:
        findings = Findings.begin(claim.loaded)
        cobalt = Caller(
            self.client,
            claim.lease,
            longest_call_seconds=self.settings.longest_call_seconds,
            monotonic=self.monotonic,
        )
        began = time.monotonic()
        error = decide(claim.loaded, cobalt, findings)
        calls = calls_of(claim.loaded, claim.lease, cobalt.exchanged, began=began)
        try:
            updates = self._save(claim, cobalt, findings, error, calls)
        except Exception:
            self._record_unsaved(calls)
            raise
        log.info(
            "attempt",
            account=claim.loaded.account_id,
            slug=claim.loaded.slug,
            attempt=claim.lease.token,
            events=count_outcomes(updates),
            check=None if claim.loaded.check is None else claim.loaded.check.reason,
            calls=len(cobalt.exchanged),
            ms=round((time.monotonic() - began) * 1_000),
            reason=first_reason(updates) or (None if error is None else str(error)[:300]),
            **({} if trace_id is None else {"trace_id": trace_id}),
        )
        if self.observers:
            self._tell(claim, updates, error)
        if isinstance(error, CobaltError) and self.breaker.is_open():
            return Progress.NOTHING
        is_all = error is None and not claim.aside and claim.is_all and findings.has_finished_all()
        return Progress.ALL if is_all else Progress.SOME

    def _tell(self, claim: Claim, updates: Sequence[EventUpdate], error: Exception | None) -> None:
        """Tell those who watch how an attempt ended. Everything of it is saved."""
        ended = endings(claim, updates, error)
        self.observers.attempted(ended)
        if error is not None and is_bug(error):
            self.observers.broke(error, ended, claim.loaded.slug)
        self.observers.died(lambda: find_first_deaths(self.engine, claim, updates))

    def _record_unsaved(self, calls: MadeCalls | None) -> None:
        """Record calls that were made although nothing of the attempt is saved, unless the database fails again."""
        if calls is not None:
            with suppress(SQLAlchemyError), self.engine.begin() as connection:
                record_unless_deleted(connection, calls)

    def _save(
        self, claim: Claim, cobalt: Caller, findings: Findings, error: Exception | None, calls: MadeCalls | None
    ) -> Sequence[EventUpdate]:
        """Write what the attempt found, and whether it halts all work, in the transaction that ends its lease."""
        try:
            is_refused = isinstance(error, KeyRefused) and self.breaker.confirm_key_refused()
        except CobaltError as unknown:  # neither the key nor the event is at fault as far as is known
            is_refused, error = False, unknown
        is_outage = cobalt.has_called and self.breaker.confirm_outage(claim.loaded.account_id, error)
        with self.engine.begin() as connection:
            now = give_back(connection, claim.lease, self.clock, calls)
            if is_refused:
                self.breaker.open(connection, str(error), now)
            elif is_outage:
                self.breaker.open(connection, f"Cobalt is down: {error}", now, move=Move.PROVIDER)
            save = Save(
                connection=connection,
                now=now,
                backoff=self.backoff,
                is_refused=is_refused,
                has_written=cobalt.has_written,
            )
            return save.attempt(claim, findings, error, environment=self.client.environment)
