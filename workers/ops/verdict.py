"""How a customer stands: one function decides it from stored facts, for the first line of `cobalt-mirror explain`."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cobalt_mirror.db.pauses import Pause
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, Move, RowKind
from cobalt_mirror.db.story import DeadEvents, StoredEvent
from cobalt_mirror.workers.ops.standing import CustomerState, Standing
from cobalt_mirror.workers.terminal.words import ago, cell, count_of, duration


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What happens next by itself, and when."""

    step: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerVerdict:
    """How a customer stands.

    Attributes:
        state: In one word or a few.
        since: Since when; None: not stored.
        reason: Why, in a sentence.
        next: What happens next by itself; None: nothing is due.
        move: Who has to act; None: no one.
        advice: What to do; None: nothing, or what the command does.
        command: The command that moves it; None: no command of ours does.
    """

    state: CustomerState
    since: datetime | None
    reason: str
    next: NextStep | None
    move: Move | None = None
    advice: str | None = None
    command: str | None = None


def decide(standing: Standing) -> CustomerVerdict:
    """Return how a customer stands: the most urgent of what holds, and what is due next in any case."""
    return next(_verdicts(standing))


def _verdicts(standing: Standing) -> Iterator[CustomerVerdict]:
    """Yield what holds, the most urgent first: what stops everything, the operator's moves, others' moves, the rest."""
    if standing.halt is not None:
        yield _halted(standing, standing.halt)
    if standing.pause is not None:
        yield _paused(standing, standing.pause)
    if (dead := standing.dead.get(Move.OPERATOR)) is not None:
        yield _dead(standing, Move.OPERATOR, dead)
    yield from _stuck(standing)
    yield from _overdue(standing)
    if (failing := standing.failing.get(Move.OPERATOR)) is not None:
        yield _retrying(standing, Move.OPERATOR, failing)
    yield from _operators_account(standing)
    for move in (Move.PROVIDER, Move.CUSTOMER):
        if (failing := standing.failing.get(move)) is not None:
            yield _retrying(standing, move, failing)
    if (failing := standing.failing.get(None)) is not None:
        yield _retrying(standing, None, failing)
    for move in (Move.PROVIDER, Move.CUSTOMER):
        if (dead := standing.dead.get(move)) is not None:
            yield _dead(standing, move, dead)
    yield from _expired(standing)
    yield from _under_way(standing)
    yield _at_rest(standing)


def _next(standing: Standing) -> NextStep | None:
    """Return what is due first: an event, a read, or the probe without which neither is carried out."""
    if standing.halt is not None:
        return NextStep(step="a probe of Cobalt", at=standing.halt.probe_at)
    events = [(each.due_at, f"an attempt at {_named(each)}") for each in standing.pending[:1]]
    reads = [(each.due_at, f"a read of {each.slug or 'the account'}") for each in standing.checks[:1]]
    return min((NextStep(step=what, at=at) for at, what in [*events, *reads]), key=lambda step: step.at, default=None)


def _named(event: StoredEvent) -> str:
    return f"{event.type} {event.id}{f' for {event.slug}' if event.slug else ''}"


def _halted(standing: Standing, halt: Halt) -> CustomerVerdict:
    advice = "correct that, then restart the workers" if halt.move is Move.OPERATOR else "it continues by itself"
    return CustomerVerdict(
        state=CustomerState.HALTED,
        since=halt.since,
        reason=f"no call is made, for any customer: {halt.reason}; {advice}",
        next=_next(standing),
        move=halt.move,
        command="cobalt-mirror status",
    )


def _paused(standing: Standing, pause: Pause) -> CustomerVerdict:
    option = f"--{pause.scope}" if pause.name is None else f"--{pause.scope} {shlex.quote(pause.name)}"
    return CustomerVerdict(
        state=CustomerState.PAUSED,
        since=pause.since,
        reason=pause.described(),
        next=_next(standing),
        move=Move.OPERATOR,
        command=f"cobalt-mirror resume {option}",
    )


def _dead(standing: Standing, move: Move, dead: DeadEvents) -> CustomerVerdict:
    others = "" if dead.number == 1 else f" and {dead.number - 1} more"
    return CustomerVerdict(
        state=CustomerState.DEAD,
        since=dead.first.finished_at,
        reason=f"{_named(dead.first)}{others}: {dead.first.reason or 'no reason is recorded'}",
        next=_next(standing),
        move=move,
        advice=_ADVICE[move],
        command=None
        if move is Move.CUSTOMER
        else f"cobalt-mirror dead replay --account {shlex.quote(standing.account_id)} --move {move}",
    )


#: What a dead event needs; a replay of what the customer has to correct would be refused again.
_ADVICE = {
    Move.OPERATOR: "correct that, then",
    Move.PROVIDER: "ask them, then",
    Move.CUSTOMER: "correct it in your app, which publishes a new event",
}


def _stuck(standing: Standing) -> Iterator[CustomerVerdict]:
    first = standing.pending[0] if standing.pending else None
    if standing.stopper is not None and first is not None and first.due_at <= standing.at:
        yield CustomerVerdict(
            state=CustomerState.STUCK,
            since=first.due_at,
            reason=standing.stopper,
            next=_next(standing),
            move=Move.OPERATOR,
            command="cobalt-mirror status",
        )


def _overdue(standing: Standing) -> Iterator[CustomerVerdict]:
    first = standing.pending[0] if standing.pending else None
    if first is not None and standing.at - first.due_at > standing.longest_wait:
        yield CustomerVerdict(
            state=CustomerState.OVERDUE,
            since=first.due_at,
            reason=f"no worker took up {_named(first)}",
            next=_next(standing),
            move=Move.OPERATOR,
            command="cobalt-mirror status",
        )


def _retrying(standing: Standing, move: Move | None, event: StoredEvent) -> CustomerVerdict:
    attempts = count_of(event.attempts, "failed attempt")
    return CustomerVerdict(
        state=CustomerState.RETRYING,
        since=event.retrying_since,
        reason=f"{_named(event)}, {attempts}: {event.reason or 'no reason is recorded'}",
        next=_next(standing),
        move=move,
        advice="correct that, then wait, or" if move is Move.OPERATOR else None,
        command=f"cobalt-mirror events hurry {shlex.quote(event.id)}" if move is Move.OPERATOR else None,
    )


def _operators_account(standing: Standing) -> Iterator[CustomerVerdict]:
    """Yield what is wrong with the account itself, about which only the host's events do something."""
    account = shlex.quote(standing.account_id)
    if standing.deletion is not None and standing.deletion.note is not None and _is(standing, AccountStatus.DELETED):
        yield CustomerVerdict(
            state=CustomerState.DELETED_AND_BACK,
            since=standing.deletion.gone_at,
            reason=standing.deletion.note,
            next=_next(standing),
            move=Move.OPERATOR,
            command=f"cobalt-mirror publish user_deleted {account}",
        )
    if _is(standing, AccountStatus.MISSING):
        yield CustomerVerdict(
            state=CustomerState.MISSING,
            since=standing.status_times.get((RowKind.LINKED_ACCOUNT, "")),
            reason="Cobalt no longer has the account, although no event asked for that",
            next=_next(standing),
            advice="only if it was deleted there by mistake, make it anew:",
            command=f"cobalt-mirror publish user_signed_up {account}",
        )


def _is(standing: Standing, status: AccountStatus) -> bool:
    return standing.account is not None and standing.account.status is status


def _expired(standing: Standing) -> Iterator[CustomerVerdict]:
    expired = [each.slug for each in standing.connections if each.status is ConnectionStatus.REAUTH_REQUIRED]
    if expired:
        times = [standing.status_times.get((RowKind.CONNECTION, slug)) for slug in expired]
        yield CustomerVerdict(
            state=CustomerState.REAUTH_REQUIRED,
            since=min((time for time in times if time is not None), default=None),
            reason=f"{', '.join(sorted(expired))}: the customer must connect again",
            next=_next(standing),
            move=Move.CUSTOMER,
        )


def _under_way(standing: Standing) -> Iterator[CustomerVerdict]:
    """Yield what goes on by itself."""
    step = _next(standing)
    if standing.lease_ends is not None and standing.lease_ends > standing.at:
        reason = "a worker makes an attempt"
        yield CustomerVerdict(state=CustomerState.IN_HAND, since=None, reason=reason, next=step)
    if standing.pending:
        first = standing.pending[0]
        yield CustomerVerdict(
            state=CustomerState.WAITING,
            since=min(each.recorded_at for each in standing.pending),
            reason=f"{_named(first)}: {first.reason or 'not attempted yet'}",
            next=step,
        )
    if standing.checks:
        check = standing.checks[0]
        reason = f"{check.slug or 'the account'}: {check.last_error or check.reason}"
        yield CustomerVerdict(state=CustomerState.TO_BE_READ, since=None, reason=reason, next=step)


def _at_rest(standing: Standing) -> CustomerVerdict:
    deletion = standing.deletion
    if deletion is not None and (standing.account is None or _is(standing, AccountStatus.DELETED)):
        confirmed = "" if deletion.confirmed_at is None else ", and a second read confirmed it"
        reason = f"Cobalt no longer has the account{confirmed}"
        return CustomerVerdict(state=CustomerState.DELETED, since=deletion.gone_at, reason=reason, next=None)
    shown = ", ".join(f"{each.slug} {each.status}" for each in standing.connections)
    reason = f"nothing waits; {shown or 'no connections'}"
    last = max(standing.status_times.values(), default=None)
    if not standing.is_braked:
        return CustomerVerdict(state=CustomerState.AT_REST, since=last, reason=reason, next=None)
    return CustomerVerdict(
        state=CustomerState.AT_REST,
        since=last,
        reason=f"{reason}; but the last reconcile was stopped by its brake, so Cobalt may have less",
        next=None,
        advice="to compare this customer with Cobalt, run",
        command=f"cobalt-mirror reconcile --account {shlex.quote(standing.account_id)} --dry-run",
    )


def in_words(verdict: CustomerVerdict, at: datetime) -> str:
    """Return a verdict as the one line that an operator reads first."""
    since = "" if verdict.since is None else f" since {cell(verdict.since)} ({ago(verdict.since, at)})"
    due = "nothing is due"
    if verdict.next is not None:
        when = "now" if verdict.next.at <= at else f"in {duration(verdict.next.at - at)}"
        due = f"next: {verdict.next.step} at {cell(verdict.next.at)} ({when})"
    move = "no one has to act" if verdict.move is None else f"the {verdict.move} must act"
    todo = " ".join(part for part in (verdict.advice, verdict.command) if part is not None)
    return f"{verdict.state}{since}: {verdict.reason}; {due}; {move}{f': {todo}' if todo else ''}"
