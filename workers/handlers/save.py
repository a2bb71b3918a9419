"""Saves what an attempt found: the mirror, its history, the outcomes of events and what is to be read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import Connection

from cobalt_mirror.cobalt import UnknownApplication
from cobalt_mirror.db import outcomes
from cobalt_mirror.db.checks import finish_check, hold_check, look_again, postpone_check, put_off_check, record_check
from cobalt_mirror.db.generations import note_begun
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.listing import find_account_subjects
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.mirror import CATALOGUE_RETRY_AFTER, record_change
from cobalt_mirror.db.outcomes import EventUpdate, record_effects, record_outcomes, revive
from cobalt_mirror.db.pauses import PAUSED
from cobalt_mirror.db.rows import Change, account_change
from cobalt_mirror.db.state import hasten_catalogue, pin_environment
from cobalt_mirror.db.statuses import AccountStatus, Move, Unseen
from cobalt_mirror.events import EventType
from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.errors import AccountDenied
from cobalt_mirror.workers.handlers.findings import Findings, record_denied, record_wanted
from cobalt_mirror.workers.handlers.load import Claim
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.looking import FRESH, ONCE_MORE, SETTLED, believe_application_gone, not_yet
from cobalt_mirror.workers.handlers.offboarding import record_offboarding
from cobalt_mirror.workers.handlers.pausing import wait_for
from cobalt_mirror.workers.outcomes import Backoff, Outcome, Verdict, outcome_of, wait_after
from cobalt_mirror.workers.settings import Settings

#: Why a subject is read once more; what that read changes is believed.
_SECOND_READ = "a second read, as the first one changed what was learned just before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Writes one attempt, in the transaction that also ends its lease.

    Attributes:
        connection: the transaction.
        now: the time.
        backoff: how long to wait after a failure.
        is_refused: whether Cobalt refuses the key, so that no event is at fault.
        has_written: whether the attempt changed something at Cobalt.
    """

    connection: Connection
    now: datetime
    backoff: Backoff
    is_refused: bool
    has_written: bool

    def attempt(
        self, claim: Claim, findings: Findings, error: Exception | None, *, environment: str | None
    ) -> Sequence[EventUpdate]:
        """Write everything that an attempt found.

        Args:
            claim: what was loaded.
            findings: what the handlers found.
            error: what ended their work; None: nothing did.
            environment: the environment of the API key, as far as its prefix tells.

        Returns:
            What was written of each event's outcome.
        """
        loaded, connection = claim.loaded, self.connection
        record_offboarding(connection, findings, ended=claim.ended, now=self.now)
        self._record_mirror(claim, findings)
        record_denied(connection, findings, self.now)
        self._revive(findings)
        updates = self._event_updates(claim, findings, error)
        record_outcomes(connection, updates)
        record_effects(connection, findings.effects)
        receipt = loaded.receipt if findings.receipt is None else findings.receipt
        if receipt is not None and not loaded.slug:
            note_begun(connection, receipt)
        self._record_check(findings, error)
        if claim.paused_check is not None:
            due_at = self.now + wait_for(claim.paused_check, self.now)
            reason = PAUSED + claim.paused_check.described()
            put_off_check(connection, loaded.account_id, loaded.slug, due_at=due_at, reason=reason)
        record_wanted(connection, findings, self.now)
        if error is not None:
            hold_check(connection, loaded.account_id, loaded.slug)
        self._doubt_application(loaded, updates, error)
        pinned = findings.environment or environment
        if findings.changes and not claim.is_pinned and pinned is not None:
            pin_environment(connection, pinned)
        return updates

    def _record_mirror(self, claim: Claim, findings: Findings) -> None:
        loaded = claim.loaded
        because = Because(at=self.now, cause=cause_of(loaded))
        known = {} if findings.erases_account else claim.rows  # the erasure has just changed them
        is_second = loaded.check is not None and loaded.check.reason == _SECOND_READ
        # As they were before this attempt, also when it changes a row twice.
        rows: dict[tuple[str, ...], Mapping[str, Any] | None] = {**known}
        is_confirmed = loaded.check is not None and loaded.check.expects is not None and findings.looks_again is None
        for change in findings.changes:
            recorded = record_change(self.connection, change, because, known=known)
            before = rows.setdefault(change.row_key, recorded.before)  # also a deleted config's, which is not loaded
            if not recorded.is_changed:
                continue
            status = change.columns.get("status")
            if status is AccountStatus.MISSING:
                self._read_all(loaded.account_id, reason="Cobalt no longer has the account", only_live=True)
            elif before is not None and before["status"] is AccountStatus.MISSING:
                self._read_all(loaded.account_id, reason="Cobalt has the account again", only_live=False)
            if is_confirmed or is_second or not is_doubtful(change, before, has_written=self.has_written, now=self.now):
                continue
            slug = change.key.get("slug", "")
            record_check(self.connection, loaded.account_id, slug, due_at=self.now + SETTLED, reason=_SECOND_READ)
        is_sign_up = any(entry.logged.type == EventType.USER_SIGNED_UP for entry in loaded.pending)
        if not loaded.slug and findings.account is None and is_sign_up:  # it shows although it did not get through yet
            pending = account_change(loaded.account_id, status=AccountStatus.PENDING)
            record_change(self.connection, pending, because)

    def _read_all(self, account_id: str, *, reason: str, only_live: bool) -> None:
        """Have the connections and configs of an account read; only reads change their rows."""
        for slug in find_account_subjects(self.connection, account_id, only_live=only_live):
            record_check(self.connection, account_id, slug, due_at=self.now, reason=reason, at_once=True)

    def _revive(self, findings: Findings) -> None:
        """Make pending again what ended because Cobalt did not show what it shows now.

        Beside events that wait, what ended a moment ago is left alone, or neighbours would revive one another for ever.
        """
        loaded, of_connection = findings.loaded, findings.seen - {Unseen.ACCOUNT}
        before = self.now - FRESH if loaded.pending else None
        if Unseen.ACCOUNT in findings.seen:
            revive(self.connection, loaded.account_id, "", {Unseen.ACCOUNT}, at=self.now, ended_before=before)
        if of_connection:
            revive(self.connection, loaded.account_id, loaded.slug, of_connection, at=self.now, ended_before=before)

    # --- events -------------------------------------------------------------------------------------------------------

    def _event_updates(self, claim: Claim, findings: Findings, error: Exception | None) -> list[EventUpdate]:
        settings = claim.loaded.settings
        ends = [(row, outcome) for row, outcome in claim.aside]
        for entry in claim.loaded.pending:
            outcome = findings.outcomes.get(entry.logged.key)
            if outcome is None and error is not None:
                is_shown = bool(claim.loaded.is_listed) or Unseen.APPLICATION in findings.seen
                outcome = self._outcome_of(error, entry, is_shown=is_shown)
            if outcome is not None:
                ends.append((entry.logged, outcome))
        return [
            event_update(row, outcome, now=self.now, settings=settings, backoff=self.backoff) for row, outcome in ends
        ]

    def _outcome_of(self, error: Exception, entry: Entry, *, is_shown: bool) -> Outcome:
        if self.is_refused:
            return Outcome(verdict=Verdict.HALTED, detail=str(error))
        outcome = outcome_of(error, entry.event.type)
        if outcome.unseen is not Unseen.APPLICATION:
            return outcome
        detail = "Cobalt does not show the application, and is asked again"
        at_last = believe_application_gone(outcome, is_shown=is_shown)
        return not_yet(entry.logged, self.now, at_last=at_last, detail=detail, fresh=timedelta.max)

    def _doubt_application(self, loaded: Loaded, updates: Sequence[EventUpdate], error: Exception | None) -> None:
        """Have an application looked for once more that events died for, and in the catalogue if that shows it."""
        if any(update.columns.get("unseen") is Unseen.APPLICATION for update in updates):
            due_at, reason = self.now + ONCE_MORE, "a second read, as Cobalt did not know the application"
            record_check(self.connection, loaded.account_id, loaded.slug, due_at=due_at, reason=reason)
        is_first = any(entry.logged.retrying_since is None for entry in loaded.pending)
        if isinstance(error, UnknownApplication) and loaded.is_listed and is_first:
            hasten_catalogue(self.connection, self.now + CATALOGUE_RETRY_AFTER)

    # --- the check ----------------------------------------------------------------------------------------------------

    def _record_check(self, findings: Findings, error: Exception | None) -> None:
        """Finish the check that was due, or put it off."""
        loaded, connection = findings.loaded, self.connection
        if loaded.check is None:
            return
        if findings.check_waits is not None:
            due_at, reason = self.now + findings.check_waits.delay, findings.check_waits.reason
            postpone_check(connection, loaded.account_id, loaded.slug, due_at=due_at, error=reason)
        elif error is None and findings.looks_again is not None:
            due_at = self.now + findings.looks_again
            look_again(connection, loaded.account_id, loaded.slug, due_at=due_at, absent=findings.absent)
        elif error is None:
            finish_check(connection, loaded.account_id, loaded.slug, read_since=loaded.now)
        else:
            wait = error.delay if isinstance(error, AccountDenied) else None
            if wait is None:
                wait = wait_after(loaded.check.attempts, loaded.settings, self.backoff)
            due_at = self.now + wait
            postpone_check(connection, loaded.account_id, loaded.slug, due_at=due_at, error=str(error)[:1000])


def is_doubtful(change: Change, before: Mapping[str, Any] | None, *, has_written: bool, now: datetime) -> bool:
    """Tell whether a read that changes the mirror may be older than what it changes, which was learned a moment ago.

    Args:
        change: what the read says.
        before: the row as it was; None: there was none.
        has_written: whether the attempt wrote at Cobalt, whose answer is no older. Of a connection, it answers only for
            what it took away: connected accounts that the mirror did not have come from a read.
        now: the time.
    """
    if before is None or before["verified_at"] is None or now - before["verified_at"] >= FRESH:
        return False
    accounts = before.get("accounts") or ()
    return not has_written or any(each not in accounts for each in change.columns.get("accounts") or ())


def event_update(
    event: LoggedEvent, outcome: Outcome, *, now: datetime, settings: Settings, backoff: Backoff
) -> EventUpdate:
    """Return what an outcome writes into the event's row."""
    match outcome.verdict:
        case Verdict.DONE:
            return outcomes.done(event, at=now, detail=outcome.detail, unseen=outcome.unseen)
        case Verdict.SUPERSEDED:
            return outcomes.superseded(event, at=now, detail=outcome.detail)
        case Verdict.DEAD:
            return _dead(event, outcome, now)
        case Verdict.RETRY:
            since = event.retrying_since or now
            gives_up = event.type != EventType.USER_DELETED  # an account that was promised to go has to be seen gone
            if gives_up and now - since > timedelta(days=settings.retry_give_up_days):
                return _dead(event, outcome, now)
            due_at = now + wait_after(event.attempts, settings, backoff)
            reason: dict[str, Any] = {"detail": outcome.detail, "move": outcome.move, "response": outcome.response}
            return outcomes.retry(event, due_at=due_at, since=since, **reason)
        case Verdict.SNOOZE | Verdict.HALTED:
            snooze_until = None if outcome.delay is None else now + outcome.delay
            flags = {"looked": outcome.looked, "alone": outcome.alone}
            return outcomes.snooze(event, due_at=snooze_until, detail=outcome.detail, **flags)
    assert_never(outcome.verdict)


def _dead(event: LoggedEvent, outcome: Outcome, now: datetime) -> EventUpdate:
    move = outcome.move or Move.OPERATOR
    answer, unseen = outcome.response, outcome.unseen
    return outcomes.dead(event, at=now, detail=outcome.detail, move=move, response=answer, unseen=unseen)


def cause_of(loaded: Loaded) -> Mapping[str, Any]:
    """Return what an attempt was for, as the history and the calls keep it."""
    if loaded.pending:
        return {"events": [_named(entry.logged) for entry in loaded.pending[:20]]}
    return {"check": loaded.check.reason if loaded.check is not None else "a second read"}


def _named(event: LoggedEvent) -> Mapping[str, str]:
    """Name an event, with the operator who had it tried again, if one did."""
    named = {"source": event.source, "id": event.id}
    return named if event.operator is None else {**named, "replayed_by": event.operator}
