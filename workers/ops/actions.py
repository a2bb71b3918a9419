"""What an operator has to do: one function decides it from the facts, for `cobalt-mirror status` and its exit code."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cobalt_mirror.db.processes import REDIS_TROUBLE, ProcessRow
from cobalt_mirror.db.receivers import ReceiverState
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import Move, ProcessKind
from cobalt_mirror.db.waiting import Retrying, WaitingEvent
from cobalt_mirror.workers.terminal.words import ago, count_of


class Cause(StrEnum):
    """Why the operator has to act, the most urgent first."""

    NEWER_SCHEMA = "newer_schema"
    NO_WRITES = "no_writes"
    REDIS = "redis"
    NOTHING_RUNS = "nothing_runs"
    NO_RELAY = "no_relay"
    NO_WORKER = "no_worker"
    PROCESS_IN_TROUBLE = "process_in_trouble"
    HALTED = "halted"
    RETRYING = "retrying"
    OVERDUE = "overdue"
    BRAKE = "brake"
    RETURNED = "returned"
    NOTICES = "notices"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the operator has to do: what is wrong, where, and what to do about it."""

    cause: Cause
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decides whether the operator has to act.

    Attributes:
        at: The moment, by the database's clock.
        newer_schema: The version of the database's schema, if this release does not know it; else None.
        write_failure: Why the database takes no writes, in a sentence; None if it takes them.
        redis_failure: Why Redis cannot be used, in a sentence; None if it can be, or is not configured here.
        processes: The processes whose heartbeats are known.
        halt: Why calls are halted; None if they are not.
        retrying: The events whose attempts fail, by who has to act.
        longest_due: The event that has been due for the longest time; None if none is due.
        longest_wait: How long a due event may wait.
        brake: Why the last run of the reconciliation was stopped by its brake; None if it was not.
        returned: How many deleted accounts Cobalt has again.
        first_returned: The one of them that is gone the longest; None if there is none.
        receivers: How the receivers of notices fare.
        dead: Number of dead events by who must act.
    """

    at: datetime
    newer_schema: str | None
    write_failure: str | None
    redis_failure: str | None
    processes: Sequence[ProcessRow]
    halt: Halt | None
    retrying: Mapping[Move, Retrying]
    longest_due: WaitingEvent | None
    longest_wait: timedelta
    brake: str | None
    returned: int
    first_returned: str | None
    receivers: Sequence[ReceiverState]
    dead: Mapping[Move, int]


#: What each process does without which nothing goes on.
_NEEDED = {
    ProcessKind.RELAY: (Cause.NO_RELAY, "no event gets to a worker"),
    ProcessKind.WORKER: (Cause.NO_WORKER, "no event is carried out"),
}


#: What `doctor` says in other words, where it looks at Redis and the database.
ELSEWHERE = frozenset({Cause.REDIS, Cause.NO_WRITES})


def list_actions(facts: Facts) -> list[Action]:
    """Return what the operator has to do, the most urgent first; nothing that is up to Cobalt or a customer."""
    sentences = [
        (Cause.NEWER_SCHEMA, _newer_schema(facts)),
        (Cause.NO_WRITES, facts.write_failure),
        (Cause.REDIS, facts.redis_failure),
        (Cause.NOTHING_RUNS, _nothing_runs(facts)),
        *_missing_processes(facts),
        *_processes_in_trouble(facts),
        (Cause.HALTED, _halted(facts)),
        (Cause.RETRYING, _retrying(facts)),
        (Cause.OVERDUE, _overdue(facts)),
        (Cause.BRAKE, _brake(facts)),
        (Cause.RETURNED, describe_returned(facts.returned, facts.first_returned)),
        *((Cause.NOTICES, _notices(receiver, facts)) for receiver in facts.receivers),
        (Cause.DEAD, _dead(facts)),
    ]
    return [Action(cause=cause, text=text) for cause, text in sentences if text is not None]


def _newer_schema(facts: Facts) -> str | None:
    if facts.newer_schema is None:
        return None
    return (
        f"the database is at version {facts.newer_schema}, which this release does not know; "
        "install the release that migrated it and restart all processes"
    )


def _nothing_runs(facts: Facts) -> str | None:
    """Before the first process has run, that is only worth a word once there is something to do."""
    if facts.processes or facts.longest_due is None:
        return None
    return (
        "events wait and no process of this release has run here yet; start `cobalt-mirror worker` and "
        "`cobalt-mirror relay`, or `cobalt-mirror up`"
    )


def _missing_processes(facts: Facts) -> list[tuple[Cause, str]]:
    if not facts.processes:
        return []
    missing = []
    for kind, (cause, effect) in _NEEDED.items():
        of_kind = [process for process in facts.processes if process.kind is kind]
        if not any(process.is_alive(facts.at) for process in of_kind):
            last = max(of_kind, key=lambda process: process.seen_at, default=None)
            missing.append((cause, f"no {kind} runs, so {effect}{_last(last, facts.at)}; start `cobalt-mirror {kind}`"))
    return missing


def _last(process: ProcessRow | None, at: datetime) -> str:
    if process is None:
        return ""
    verb = "was last seen" if process.ended_at is None else "ended"
    return f" (the last one, on {process.host}, {verb} {ago(process.ended_at or process.seen_at, at)} ago)"


def _processes_in_trouble(facts: Facts) -> list[tuple[Cause, str]]:
    """Return a sentence for each trouble; processes of one kind that have the same are one.

    A Redis that fails here, too, is named already.
    """
    troubled: dict[tuple[ProcessKind, str], list[ProcessRow]] = {}
    for process in facts.processes:
        if process.trouble is None or not process.is_alive(facts.at):
            continue
        if facts.redis_failure is None or not process.trouble.startswith(REDIS_TROUBLE):
            troubled.setdefault((process.kind, process.trouble), []).append(process)
    return [
        (
            Cause.PROCESS_IN_TROUBLE,
            f"a {kind} cannot work ({', '.join(f'{each.host}, process {each.pid}' for each in processes)}): {trouble}",
        )
        for (kind, trouble), processes in troubled.items()
    ]


def _halted(facts: Facts) -> str | None:
    if facts.halt is None:
        return None
    since, reason = ago(facts.halt.since, facts.at), facts.halt.reason
    match facts.halt.move:
        case Move.OPERATOR:
            return f"all work has been halted for {since}: {reason}; correct that, then restart the workers"
        case Move.PROVIDER | Move.CUSTOMER:
            return f"all work has been halted for {since}: {reason}; it continues by itself, so ask Cobalt how long"


def _retrying(facts: Facts) -> str | None:
    retrying = facts.retrying.get(Move.OPERATOR)
    if retrying is None:
        return None
    first = retrying.first
    return (
        f"{count_of(retrying.number, 'event')} cannot be carried out until you act, first one of account "
        f"{first.linked_account_id}: {first.reason or 'no reason is recorded'}; correct that, and it is tried again by "
        f"itself, or at once with `cobalt-mirror events hurry {_argument(first.id)}`"
    )


def _overdue(facts: Facts) -> str | None:
    """While work is halted, that is the cause."""
    due = facts.longest_due
    if due is None or facts.halt is not None or facts.at - due.due_at <= facts.longest_wait:
        return None
    reason = "" if due.reason is None else f" ({due.reason})"
    since = ago(due.due_at, facts.at)
    return (
        f"an event of account {due.linked_account_id} has been due for {since}{reason}; see what "
        "`cobalt-mirror doctor` and the log of relay and workers say, or give them more time "
        "(STATUS_LONGEST_WAIT_SECONDS)"
    )


def _brake(facts: Facts) -> str | None:
    return None if facts.brake is None else f"the last reconcile was stopped: {facts.brake}"


def describe_returned(number: int, first: str | None) -> str | None:
    """Say that deleted accounts are at Cobalt again, and what to do; None: there is none."""
    if first is None:
        return None
    return (
        f"{count_of(number, 'account')} deleted here, and at Cobalt again without a user_signed_up, first of them "
        f"{first}; run `cobalt-mirror publish user_deleted {_argument(first)}`, or publish user_signed_up to keep it"
    )


def _notices(receiver: ReceiverState, facts: Facts) -> str | None:
    """Return what to do about a receiver; None: nothing, as what fails may still be taken at a later attempt."""
    name, because = receiver.name, receiver.disabled_because or receiver.detail or "no reason is recorded"
    again = (
        f"correct that, then run `cobalt-mirror notices enable {_argument(name)}`, or `cobalt-mirror notices forget "
        f"{_argument(name)}` if it is not used any more"
    )
    if receiver.disabled_at is not None:
        number, since = count_of(receiver.pending + receiver.failed, "notice"), ago(receiver.disabled_at, facts.at)
        return f"nothing has been sent to {name} for {since}, and {number} not delivered: {because}; {again}"
    if receiver.failed:
        return f"{count_of(receiver.failed, 'notice')} to {name} given up: {because}; {again}"
    since_when = receiver.failing_since
    if receiver.begun and since_when is not None and facts.at - since_when > facts.longest_wait:
        number = count_of(receiver.begun, "notice")
        return f"{number} to {name} not delivered, the oldest for {ago(since_when, facts.at)}: {because}; {again}"
    return None


def _dead(facts: Facts) -> str | None:
    number = facts.dead.get(Move.OPERATOR, 0)
    if number == 0:
        return None
    return (
        f"{count_of(number, 'event')} dead for a reason that you can correct (`cobalt-mirror dead list --move "
        "operator`); correct it, then run `cobalt-mirror dead replay --move operator`, or `cobalt-mirror dead discard "
        "--move operator --why TEXT`"
    )


def _argument(text: str) -> str:
    """Return a text as a positional argument of a command; one that begins with `-` is no option after `--`."""
    quoted = shlex.quote(text)
    return f"-- {quoted}" if text.startswith("-") else quoted
