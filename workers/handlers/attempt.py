"""One attempt at one account: take its lease, load, decide, save. Four actors call it; a message is only a nudge."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import compress
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from cobalt_mirror.cobalt import Client, CobaltError, KeyRefused
from cobalt_mirror.db.deletions import Life, find_waiting_deletion, get_life
from cobalt_mirror.db.engine import Clock, database_clock
from cobalt_mirror.db.errors import CannotUnseal, DatabaseError
from cobalt_mirror.db.listing import find_account_subjects
from cobalt_mirror.db.log import LoggedEvent, record_effects, record_outcomes
from cobalt_mirror.db.mirror import Because, find_row, record_row
from cobalt_mirror.db.state import pin_environment
from cobalt_mirror.db.subject import Opening, get_background, get_opening
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.db.work import (
    finish_check,
    forget_sent,
    give_back,
    hold_check,
    postpone_check,
    record_check,
    take_lease,
)
from cobalt_mirror.events import InvalidEvent
from cobalt_mirror.events.stored import Entry, read_entry
from cobalt_mirror.workers.circuit import CircuitBreaker, FailureCount
from cobalt_mirror.workers.errors import AccountGone, OutOfTime
from cobalt_mirror.workers.handlers.accounts import handle_account
from cobalt_mirror.workers.handlers.connections import handle_connection
from cobalt_mirror.workers.handlers.job import Job, WantedCheck
from cobalt_mirror.workers.handlers.offboarding import account_goes_first, record_offboarding
from cobalt_mirror.workers.outcomes import Move, Outcome, Verdict, backoff, outcome_of
from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()


class Progress(IntEnum):
    """What an attempt at an account came to. Everything but `NOTHING` is true."""

    #: Nothing is due, somebody else holds the account, or all work is halted.
    NOTHING = 0
    #: All that was due is done. What came meanwhile, the relay finds.
    ALL = 1
    #: Something is done, and another attempt may find more.
    SOME = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the events of a subject tell: those that wait and those that ended (see `Job`), and those that cannot be
    read. `is_all`: none waits for another attempt.
    """

    pending: list[Entry]
    ended: list[Entry]
    broken: list[tuple[LoggedEvent, Outcome]]
    is_all: bool


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

    @property
    def breaker(self) -> CircuitBreaker:
        """The circuit breaker, over the same resources."""
        return CircuitBreaker(engine=self.engine, client=self.client, clock=self.clock, failures=self.failures)

    def attempt(self, linked_account_id: str) -> Progress:
        """Work on the account's subject that is due the longest."""
        with self.engine.begin() as connection:
            began = self.monotonic()
            opening = get_opening(connection, linked_account_id, self.clock)
            stopped = self.breaker.blocks(opening.standing)
            job, broken = (None, []) if stopped else self._load(connection, linked_account_id, opening, began)
        if stopped:
            return Progress.SOME if self.breaker.allows_calls() else Progress.NOTHING
        if job is None:
            return Progress.NOTHING
        error = self._decide(job)
        self._save(job, broken, error)
        if isinstance(error, CobaltError) and self.breaker.is_open():
            return Progress.NOTHING
        return Progress.ALL if error is None and not broken and job.is_all_done else Progress.SOME

    # --- load ---------------------------------------------------------------------------------------------------------

    def _load(
        self, connection: Connection, linked_account_id: str, opening: Opening, began: float
    ) -> tuple[Job | None, list[tuple[LoggedEvent, Outcome]]]:
        """Take the lease of the account and read what is needed, in one transaction."""
        now, due = opening.now, opening.due
        if due is None:
            forget_sent(connection, linked_account_id)
            return None, []
        slug, ttl = due.slug, self.settings.lease_ttl
        lease = take_lease(connection, linked_account_id, slug, now=now, began=began, ttl=ttl)
        if lease is None:
            return None, []
        known = get_background(connection, linked_account_id, slug)
        life = None if known.deletion is None else get_life(connection, known.deletion)
        rows, over = _by_life(known.events, life)
        told, check = self._read_subject(rows), known.check
        job = Job(
            client=self.client,
            settings=self.settings,
            lease=lease,
            now=now,
            monotonic=self.monotonic,
            is_all=due.is_only and told.is_all,
            pending=told.pending,
            ended=told.ended,
            check=None if check is None or check.due_at > now else check,
            is_in_doubt=check is not None or lease.abandoned is not None,
            account=known.account,
            connection=known.connection,
            configs=known.configs,
            known=known.rows(),
            over=[row for row in over if row.status == "pending"],
            receipt=known.deletion,
            account_due_at=_find_account_due(connection, linked_account_id, life)
            if slug and (due.account_waits or life is not None)
            else None,
            is_pinned=opening.standing.environment is not None,
        )
        if lease.abandoned is not None:
            self._look_again(job, lease.abandoned, "a worker lost this account in the middle of its work")
            self._record_wanted(connection, job, now)  # at once, for this worker may die as well
            job.checks.clear()
        return job, told.broken

    def _read_subject(self, rows: Sequence[LoggedEvent]) -> _Told:
        """What the events of a subject tell, as far as they are to be carried out together."""
        logged = [row for row in rows if row.status == "pending"]
        alone = _until_alone(logged)
        pending, broken = self._read(alone)
        ended = [row for row in rows if row.status != "pending" and logged and row.order > logged[0].order]
        finished, unread = self._read(ended)
        sealed = [outcome for _, outcome in unread if outcome.verdict is Verdict.RETRY]
        if sealed:  # what a later event set cannot be told, so nothing older may be carried out
            broken += [(entry.logged, sealed[0]) for entry in pending]
            pending = []
        return _Told(pending=pending, ended=finished, broken=broken, is_all=len(alone) == len(logged))

    def _read(self, logged: Sequence[LoggedEvent]) -> tuple[list[Entry], list[tuple[LoggedEvent, Outcome]]]:
        """The events in their rows; what can never be read is dead, what is sealed with an absent key waits."""
        entries: list[Entry] = []
        broken: list[tuple[LoggedEvent, Outcome]] = []
        for row in logged:
            try:
                entry = read_entry(row, self.vault)
            except InvalidEvent as error:
                broken.append((row, Outcome(verdict=Verdict.DEAD, detail=str(error), move=Move.OPERATOR)))
            except CannotUnseal as error:
                broken.append((row, outcome_of(error, None)))
            else:
                entries.append(entry)
        return entries, broken

    # --- decide -------------------------------------------------------------------------------------------------------

    def _decide(self, job: Job) -> Exception | None:
        """Do the work; the error that ended it, if one did. This is the one place where any exception is caught."""
        try:
            if job.slug:
                if not account_goes_first(job):
                    handle_connection(job)
            else:
                handle_account(job)
        except Exception as error:
            if isinstance(error, CobaltError) and error.effect_possible:
                self._look_again(job, job.slug, "the answer to a write never came")
            if not isinstance(error, CobaltError | DatabaseError | OutOfTime | AccountGone):
                log.exception("attempt_failed", account=job.account_id, slug=job.slug)
            return error
        return None

    def _look_again(self, job: Job, slug: str, reason: str) -> None:
        """Have a subject read when a delayed write must have landed; the account too, if it may have been that."""
        delay = timedelta(seconds=self.settings.delayed_write_seconds)
        for one in {slug} if job.knows_account else {slug, ""}:
            job.checks.append(WantedCheck(slug=one, delay=delay, reason=reason))

    # --- save ---------------------------------------------------------------------------------------------------------

    def _save(self, job: Job, broken: Sequence[tuple[LoggedEvent, Outcome]], error: Exception | None) -> None:
        """Everything that the attempt found, in one transaction that also ends the lease."""
        refused = isinstance(error, KeyRefused) and self.breaker.is_key_refused()
        is_outage = job.asked and self.breaker.confirm_outage(job.account_id, error)
        with self.engine.begin() as connection:
            now = give_back(connection, job.lease, self.clock)
            if refused:
                self.breaker.open(connection, str(error), now)
            elif is_outage:
                self.breaker.open(connection, f"Cobalt is out of order: {error}", now, move=Move.PROVIDER)
            record_offboarding(connection, job, now)
            because = Because(at=now, cause=_cause(job))
            known = {} if job.buries else job.known  # a burial has just changed them
            for table, row in job.rows:
                if record_row(connection, table, row, because, known=known) and row.get("status") == "missing":
                    self._read_what_it_had(connection, job, now)
            self._record_pending_account(connection, job, because)
            record_outcomes(connection, [*self._outcomes(job, error, now, refused), *self._broken(broken, now)])
            record_effects(connection, job.effects)
            self._record_checks(connection, job, error, now)
            environment = job.environment or self.client.environment
            if job.rows and not job.is_pinned and environment is not None:
                pin_environment(connection, environment)

    @staticmethod
    def _read_what_it_had(connection: Connection, job: Job, now: datetime) -> None:
        """An account that was found missing took its connections and configs along; only reads change their rows."""
        for slug in find_account_subjects(connection, job.account_id, only_live=True):
            record_check(connection, job.account_id, slug, due_at=now, reason="Cobalt no longer has the account")

    def _record_pending_account(self, connection: Connection, job: Job, because: Because) -> None:
        """A sign-up that did not get through yet shows in the mirror all the same."""
        if not job.slug and job.account is None and any(entry.logged.type == "user_signed_up" for entry in job.pending):
            row = {"linked_account_id": job.account_id, "status": "pending"}
            record_row(connection, linked_accounts, row, replace(because))

    def _outcomes(
        self, job: Job, error: Exception | None, now: datetime, refused: bool
    ) -> list[tuple[LoggedEvent, Mapping[str, Any]]]:
        found: list[tuple[LoggedEvent, Mapping[str, Any]]] = []
        for entry in job.pending:
            outcome = job.outcomes.get(entry.logged.key)
            if outcome is None and error is not None:
                outcome = self._of_error(entry, error, refused)
            if outcome is not None:
                found.append((entry.logged, self._values(entry.logged, outcome, now)))
        return found

    def _of_error(self, entry: Entry, error: Exception, refused: bool) -> Outcome:
        if refused:
            return Outcome(verdict=Verdict.HALTED, detail=str(error))
        return outcome_of(error, entry.event.type)

    def _broken(
        self, broken: Sequence[tuple[LoggedEvent, Outcome]], now: datetime
    ) -> list[tuple[LoggedEvent, Mapping[str, Any]]]:
        return [(row, self._values(row, outcome, now)) for row, outcome in broken]

    def _values(self, row: LoggedEvent, outcome: Outcome, now: datetime) -> dict[str, Any]:
        """What an outcome writes into the event's row."""
        match outcome.verdict:
            case Verdict.DONE | Verdict.SUPERSEDED:
                ended = {"status": str(outcome.verdict), "finished_at": now, "detail": outcome.detail, "move": None}
                return ended | {"last_error": None, "last_response": None, **_without_credentials(row)}
            case Verdict.DEAD:
                return self._dead(row, outcome, now)
            case Verdict.RETRY:
                since = row.retrying_since or now
                gives_up = row.type != "user_deleted"  # whoever was told that an account goes has to see it gone
                if gives_up and now - since > timedelta(days=self.settings.retry_give_up_days):
                    return self._dead(row, outcome, now)
                wait = self.backoff(
                    row.attempts,
                    base_seconds=self.settings.retry_base_seconds,
                    cap_seconds=self.settings.retry_cap_seconds,
                )
                told = {"last_error": outcome.detail, "last_response": outcome.response, "move": outcome.move}
                return told | {"retrying_since": since} | {"attempts": row.attempts + 1, "due_at": now + wait}
            case Verdict.SNOOZE | Verdict.HALTED:
                values: dict[str, Any] = {"detail": outcome.detail, "looks": row.looks + outcome.looked}
                if outcome.delay is not None:
                    values["due_at"] = now + outcome.delay
                return values | {"alone": True} if outcome.alone else values

    def _dead(self, row: LoggedEvent, outcome: Outcome, now: datetime) -> dict[str, Any]:
        move = outcome.move or Move.OPERATOR
        ended = {"status": "dead", "finished_at": now, "last_error": outcome.detail, "move": str(move)}
        ended["last_response"] = outcome.response
        return ended | {"attempts": row.attempts + 1, **_without_credentials(row)}

    def _record_checks(self, connection: Connection, job: Job, error: Exception | None, now: datetime) -> None:
        if job.check is not None:
            if job.check_waits is not None:
                due_at = now + job.check_waits.delay
                postpone_check(connection, job.account_id, job.slug, due_at=due_at, error=job.check_waits.reason)
            elif error is None:
                finish_check(connection, job.account_id, job.slug, read_since=job.now)
            else:
                wait = self.backoff(
                    job.check.attempts,
                    base_seconds=self.settings.retry_base_seconds,
                    cap_seconds=self.settings.retry_cap_seconds,
                )
                postpone_check(connection, job.account_id, job.slug, due_at=now + wait, error=str(error)[:1000])
        self._record_wanted(connection, job, now)
        if error is not None:
            hold_check(connection, job.account_id, job.slug)

    @staticmethod
    def _record_wanted(connection: Connection, job: Job, now: datetime) -> None:
        for check in job.checks:
            record_check(connection, job.account_id, check.slug, due_at=now + check.delay, reason=check.reason)


def _until_alone(logged: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
    """Events that were refused together are tried one by one: everything before the first of them, or that one.

    A deletion does not wait for those before it.
    """
    last = max((number for number, row in enumerate(logged) if row.type == "user_deleted"), default=0)
    for number, row in enumerate(logged):
        if row.alone and number >= last:
            return logged[: max(number, 1)]
    return logged


def _by_life(logged: Sequence[LoggedEvent], life: Life | None) -> tuple[list[LoggedEvent], list[LoggedEvent]]:
    """Events of the account's present life, and those of one that is over."""
    over = [life is not None and life.is_over_for(row.type, row.order) for row in logged]
    return [row for row, is_over in zip(logged, over, strict=True) if not is_over], list(compress(logged, over))


def _find_account_due(connection: Connection, linked_account_id: str, life: Life | None) -> datetime | None:
    """When the account's own event is due that its connections have to wait for, if there is one."""
    waiting = find_waiting_deletion(connection, linked_account_id)
    if waiting is not None or life is None or life.begun is None or life.begun.status != "pending":
        return waiting
    account = find_row(connection, linked_accounts, {"linked_account_id": linked_account_id})
    return life.begun.due_at if account is not None and account["status"] == "deleted" else None


def _cause(job: Job) -> dict[str, Any]:
    if job.pending:
        return {"events": [{"source": entry.logged.source, "id": entry.logged.id} for entry in job.pending[:20]]}
    return {"check": job.check.reason if job.check is not None else "a look again"}


def _without_credentials(row: LoggedEvent) -> dict[str, Any]:
    """A finished sign-up keeps a note that it had credentials, and not the credentials. Other payloads stay."""
    if row.type != "user_signed_up" or not isinstance(row.payload, dict):
        return {}
    if not {"sealed", "auth_credentials"} & row.payload.keys():
        return {}
    kept = {name: value for name, value in row.payload.items() if name not in {"sealed", "auth_credentials"}}
    return {"payload": {**kept, "had_credentials": True}}
