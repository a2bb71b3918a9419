"""Takes the lease of an account and reads what an attempt at its due subject needs, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress

from sqlalchemy import Connection

from cobalt_mirror.db.deletions import find_waiting_deletion
from cobalt_mirror.db.denials import get_denial
from cobalt_mirror.db.due import forget_sent
from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.failures import count_failures, record_lost_attempt
from cobalt_mirror.db.generations import Generation, get_generation
from cobalt_mirror.db.leases import Lease, take_lease
from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.db.mirror import Rows, find_account_row
from cobalt_mirror.db.notifications import find_connected_times
from cobalt_mirror.db.pauses import Pause
from cobalt_mirror.db.statuses import AccountStatus, EventStatus, Move
from cobalt_mirror.db.subject import DueSubject, Opening, get_background
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import EventType, InvalidEvent
from cobalt_mirror.events.stored import Entry, read_entry
from cobalt_mirror.workers.handlers.findings import Findings, record_wanted
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.handlers.pausing import find_pause, hold_back
from cobalt_mirror.workers.outcomes import Backoff, Outcome, Verdict, outcome_of, wait_after
from cobalt_mirror.workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An account whose lease this process holds, with what was loaded for the attempt.

    Attributes:
        lease: the right to work on the account.
        loaded: what handlers decide from.
        aside: events that no handler gets, each with its outcome: what cannot be read, or is paused.
        paused_check: the pause for which the check that is due has to wait; None: it has not.
        ended: pending events of a generation of the account that is over.
        rows: the mirror's rows of the subject, which need not be read again when the attempt is saved.
        is_all: whether the pending events, with the check, are all that is due of the account.
        is_pinned: whether the database is known to belong to an environment.
    """

    lease: Lease
    loaded: Loaded
    aside: Sequence[tuple[LoggedEvent, Outcome]]
    paused_check: Pause | None
    ended: Sequence[LoggedEvent]
    rows: Rows
    is_all: bool
    is_pinned: bool


def load(
    connection: Connection,
    linked_account_id: str,
    *,
    opening: Opening,
    began: float,
    settings: Settings,
    vault: Vault,
    backoff: Backoff,
) -> Claim | None:
    """Take the lease of the account and read its subject that is due.

    Args:
        connection: the transaction.
        linked_account_id: the account.
        opening: what is due.
        began: the process's monotonic clock, read before `opening`.
        settings: the settings in force.
        vault: the keys that open sealed values.
        backoff: how long to wait after a failure.

    Returns:
        None: nothing is due, or another process holds the account.
    """
    due = opening.due
    if due is None:
        forget_sent(connection, linked_account_id)
        return None
    lease = take_lease(connection, linked_account_id, due.slug, now=opening.now, began=began, ttl=settings.lease_ttl)
    if lease is None:
        return None
    claim = _read(connection, lease, due, opening=opening, settings=settings, vault=vault)
    if lease.abandoned is not None:  # recorded at once, for this process may die as well
        reason, slug, now = "a worker lost its lease on this account during an attempt", lease.abandoned, opening.now
        findings = Findings.begin(claim.loaded)
        findings.doubt(slug, reason=reason)
        failures = count_failures(connection, linked_account_id, now, slug=slug)
        due_at = now + wait_after(failures, settings, backoff)
        record_lost_attempt(connection, linked_account_id, slug, now=now, due_at=due_at, reason=reason)
        record_wanted(connection, findings, now)
    return claim


def _read(
    connection: Connection, lease: Lease, due: DueSubject, *, opening: Opening, settings: Settings, vault: Vault
) -> Claim:
    background = get_background(connection, lease.linked_account_id, due.slug)
    is_alive = background.account is not None and background.account.status is not AccountStatus.DELETED
    generation = (
        None if background.deletion is None else get_generation(connection, background.deletion, is_alive=is_alive)
    )
    denied_since = background.denied_since
    rows, over = by_generation(background.events, generation)
    going, held = hold_back(rows, opening.pauses, opening.now)
    events, check = read_events(going, vault), background.check
    is_due = check is not None and check.due_at <= opening.now
    is_deleted = background.account is not None and not is_alive
    paused = _find_pause_of_check(opening.pauses, lease.linked_account_id, due.slug, is_deleted=is_deleted)
    waits_for_account = bool(due.slug) and (due.account_waits or generation is not None)
    loaded = Loaded(
        account_id=lease.linked_account_id,
        slug=due.slug,
        now=opening.now,
        settings=settings,
        pending=events.pending,
        ended=events.ended,
        check=check if is_due and paused is None else None,
        is_in_doubt=check is not None or lease.abandoned is not None,
        account=background.account,
        connection=background.connection,
        configs=background.configs,
        notified_at=_find_notified(connection, lease.linked_account_id, due.slug, events.pending),
        has_multi_auth=background.has_multi_auth,
        app_id=background.app_id,
        is_listed=background.is_listed,
        denial=None if denied_since is None else get_denial(connection, denied_since),
        receipt=background.deletion,
        account_due_at=_find_account_due(connection, lease.linked_account_id, generation)
        if waits_for_account
        else None,
    )
    return Claim(
        lease=lease,
        loaded=loaded,
        aside=[*events.unreadable, *held],
        paused_check=paused if is_due else None,
        ended=[row for row in over if row.status == EventStatus.PENDING],
        rows=background.rows,
        is_all=due.is_only and events.is_all,
        is_pinned=opening.standing.environment is not None,
    )


def _find_pause_of_check(pauses: Sequence[Pause], account_id: str, slug: str, *, is_deleted: bool) -> Pause | None:
    """Find the pause that stops the reread of a subject; the one that confirms a deletion belongs to the deletion."""
    return find_pause(pauses, account_id=account_id, slug=slug, type_=EventType.USER_DELETED if is_deleted else None)


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectEvents:
    """The events of a subject as they are to be carried out together.

    Attributes:
        pending: those that wait, oldest first.
        ended: those that ended although they are no older than the first that waits.
        unreadable: those that cannot be read, each with its outcome.
        is_all: whether none waits for another attempt.
    """

    pending: Sequence[Entry]
    ended: Sequence[Entry]
    unreadable: Sequence[tuple[LoggedEvent, Outcome]]
    is_all: bool


def read_events(rows: Sequence[LoggedEvent], vault: Vault) -> SubjectEvents:
    """Read the rows of one subject, oldest first."""
    waiting = [row for row in rows if row.status == EventStatus.PENDING]
    together = until_alone(waiting)
    pending, unreadable = _read_rows(together, vault)
    later = [row for row in rows if row.status != EventStatus.PENDING and waiting and row.order > waiting[0].order]
    ended, ended_unreadable = _read_rows(later, vault)
    sealed = [outcome for _, outcome in ended_unreadable if outcome.verdict is Verdict.RETRY]
    if sealed:  # what a later event set cannot be read, so nothing older may be carried out
        unreadable += [(entry.logged, sealed[0]) for entry in pending]
        pending = []
    return SubjectEvents(pending=pending, ended=ended, unreadable=unreadable, is_all=len(together) == len(waiting))


def _read_rows(rows: Sequence[LoggedEvent], vault: Vault) -> tuple[list[Entry], list[tuple[LoggedEvent, Outcome]]]:
    """Read rows; what can never be read is dead, what is sealed with an absent key waits."""
    entries: list[Entry] = []
    unreadable: list[tuple[LoggedEvent, Outcome]] = []
    for row in rows:
        try:
            entries.append(read_entry(row, vault))
        except InvalidEvent as error:
            unreadable.append((row, Outcome(verdict=Verdict.DEAD, detail=str(error), move=Move.OPERATOR)))
        except CannotUnseal as error:
            unreadable.append((row, outcome_of(error, None)))
    return entries, unreadable


def until_alone(rows: Sequence[LoggedEvent]) -> Sequence[LoggedEvent]:
    """Cut off what was refused together and is tried one by one: return all before the first of it, or that one.

    A deletion does not wait for those before it.
    """
    last = max((number for number, row in enumerate(rows) if row.type == EventType.USER_DELETED), default=0)
    for number, row in enumerate(rows):
        if row.alone and number >= last:
            return rows[: max(number, 1)]
    return rows


def by_generation(
    rows: Sequence[LoggedEvent], generation: Generation | None
) -> tuple[list[LoggedEvent], list[LoggedEvent]]:
    """Return events of the account's present generation, and those of one that is over."""
    over = [generation is not None and generation.is_over_for(row.type, row.order) for row in rows]
    return [row for row, is_over in zip(rows, over, strict=True) if not is_over], list(compress(rows, over))


def _find_notified(connection: Connection, account_id: str, slug: str, pending: Sequence[Entry]) -> list[datetime]:
    """Find when the application was connected, if a removal waits that has to know."""
    is_removal = any(entry.logged.type == EventType.CONNECTION_REMOVED for entry in pending)
    return find_connected_times(connection, account_id, slug) if is_removal else []


def _find_account_due(connection: Connection, linked_account_id: str, generation: Generation | None) -> datetime | None:
    """Find when the account's own event is due that its connections have to wait for, if there is one."""
    waiting = find_waiting_deletion(connection, linked_account_id)
    begun = None if generation is None else generation.begun
    if waiting is not None or begun is None or begun.status is not EventStatus.PENDING:
        return waiting
    account = find_account_row(connection, linked_account_id)
    return begun.due_at if account is not None and account.status is AccountStatus.DELETED else None
