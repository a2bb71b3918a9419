"""What happened to a customer, in plain words: one function makes lines of stored rows, for `cobalt-mirror explain`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.pauses import PAUSED, Pause
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import CallOutcome, EventStatus, SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.story import (
    ConfigsRead,
    StoredCall,
    StoredChange,
    StoredEvent,
    StoredNotification,
    Suspected,
    WaitingCheck,
)
from cobalt_mirror.workers.terminal.words import cell

#: How much is shown of a value of the mirror, in characters.
_LONGEST_VALUE = 60


class LineKind(StrEnum):
    """What a line is about. Of lines of the same time, those of the first kind here come first."""

    RECEIVED = "received"
    NOTIFIED = "notified"
    CALL = "call"
    MIRROR = "mirror"
    ENDED = "ended"
    DELETION = "deletion"
    RECONCILE = "reconcile"
    DENIED = "denied"
    HALTED = "halted"
    PAUSED = "paused"
    WAITS = "waits"


_RANK = {kind: rank for rank, kind in enumerate(LineKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that happened, or that waits; of the latter, `at` is when it is due.

    Attributes:
        at: When.
        kind: What it is about.
        slug: The application; empty: the account itself, or everything.
        text: What happened, in a sentence.
    """

    at: datetime
    kind: LineKind
    slug: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRows:
    """The rows of which lines are made. An event may be in both of its lists."""

    halt: Halt | None = None
    pause: Pause | None = None
    deletion: Deletion | None = None
    denied_since: datetime | None = None
    pending: Sequence[StoredEvent] = ()
    checks: Sequence[WaitingCheck] = ()
    events: Sequence[StoredEvent] = ()
    calls: Sequence[StoredCall] = ()
    changes: Sequence[StoredChange] = ()
    notifications: Sequence[StoredNotification] = ()
    suspected: Sequence[Suspected] = ()
    configs_read: Sequence[ConfigsRead] = ()


def make_lines(rows: StoredRows, *, since: datetime | None, limit: int) -> list[Line]:
    """Return what happened, oldest first, then what waits.

    Args:
        rows: What is stored.
        since: Nothing that happened before; None: from the beginning.
        limit: Largest number of things that happened, the latest ones. What waits comes on top.
    """
    past = sorted(_past(rows), key=lambda line: (line.at, _RANK[line.kind]))
    latest = [line for line in past if since is None or line.at >= since][-limit:]
    return latest + sorted(_waiting(rows), key=lambda line: line.at)


def _past(rows: StoredRows) -> Iterator[Line]:
    for event in rows.events:
        yield _received(event)
        if event.finished_at is not None and event.status is not EventStatus.PENDING:
            yield _ended(event, event.finished_at)
    yield from map(_call, rows.calls)
    yield from map(_change, rows.changes)
    yield from map(_notification, rows.notifications)
    yield from map(_suspected, rows.suspected)
    yield from map(_configs_read, rows.configs_read)
    if rows.deletion is not None:
        yield from _deletion(rows.deletion)
    if rows.denied_since is not None:
        text = "Cobalt says that it does not have the account, which the mirror shows"
        yield Line(at=rows.denied_since, kind=LineKind.DENIED, slug="", text=text)
    if rows.halt is not None:
        text = f"all work halted, for every customer: {rows.halt.reason}"
        yield Line(at=rows.halt.since, kind=LineKind.HALTED, slug="", text=text)
    if rows.pause is not None:
        yield Line(at=rows.pause.since, kind=LineKind.PAUSED, slug="", text=rows.pause.described())


def _waiting(rows: StoredRows) -> Iterator[Line]:
    for event in rows.pending:
        reason = event.reason or "not attempted yet"
        tries = "" if event.attempts == 0 else f", {event.attempts} failed attempts"
        text = f"{event.type} {event.id} waits{tries}: {reason}"
        yield Line(at=event.due_at, kind=LineKind.WAITS, slug=event.slug or "", text=text)
    for check in rows.checks:
        met = _met(check.last_error)
        text = f"{'the application' if check.slug else 'the account'} will be read again: {check.reason}{met}"
        yield Line(at=check.due_at, kind=LineKind.WAITS, slug=check.slug, text=text)


def _met(reason: str | None) -> str:
    """Say what the last read met, or that reading is paused."""
    if reason is None:
        return ""
    return f"; {reason}" if reason.startswith(PAUSED) else f"; at the last read: {reason}"


def _received(event: StoredEvent) -> Line:
    text = f"{event.type} {event.id} from {event.source}"
    return Line(at=event.recorded_at, kind=LineKind.RECEIVED, slug=event.slug or "", text=text)


def _ended(event: StoredEvent, at: datetime) -> Line:
    return Line(at=at, kind=LineKind.ENDED, slug=event.slug or "", text=f"{event.type} {event.id} {_ending(event)}")


def _ending(event: StoredEvent) -> str:
    reason = "" if event.reason is None else f": {event.reason}"
    match event.status:
        case EventStatus.DONE:
            return f"is done{reason}"
        case EventStatus.SUPERSEDED:
            return f"was not needed{reason}"
        case EventStatus.DEAD:
            move = "" if event.move is None else f", the {event.move} must act"
            return f"is dead{move}{reason}"
        case EventStatus.DISCARDED:
            return f"was discarded{reason}"
        case EventStatus.PENDING:
            return "waits"
    assert_never(event.status)


def _call(stored: StoredCall) -> Line:
    call = stored.call
    waited = "" if call.waited_ms == 0 else f", after {call.waited_ms} ms for a slot"
    named = "" if call.connection_id is None else f", connection {call.connection_id}"
    request = "" if call.request_id is None else f", request_id {call.request_id}"
    text = (
        f"{call.method} {call.path}: {_answer(call.outcome, call.status)} in {call.took_ms} ms{waited}{named}{request}"
    )
    return Line(at=call.made_at, kind=LineKind.CALL, slug=stored.slug, text=text)


_ANSWERS: Mapping[CallOutcome, str] = {
    CallOutcome.ANSWERED: "answered",
    CallOutcome.ABSENT: "Cobalt does not have it",
    CallOutcome.REFUSED: "refused",
    CallOutcome.KEY_REFUSED: "the key was refused",
    CallOutcome.THROTTLED: "too many calls",
    CallOutcome.FAILED: "Cobalt failed",
    CallOutcome.UNEXPECTED: "an answer that Cobalt does not document",
    CallOutcome.UNREACHED: "Cobalt was not reached",
    CallOutcome.UNANSWERED: "no complete answer",
    CallOutcome.NOT_SENT: "not sent, as no slot under the limit was free",
}


def _answer(outcome: CallOutcome, status: int | None) -> str:
    return _ANSWERS[outcome] if status is None else f"{status} {_ANSWERS[outcome]}"


def _change(change: StoredChange) -> Line:
    config = "" if change.config_id is None else f" {change.config_id}"
    named = "" if change.connection_id is None else f" of connection {change.connection_id}"
    columns = ", ".join(_column(name, values) for name, values in change.changes.items())
    text = f"{change.what}{config}{named}: {columns}{_because(change.because)}"
    return Line(at=change.recorded_at, kind=LineKind.MIRROR, slug=change.slug or "", text=text)


def _column(name: str, values: Sequence[Any]) -> str:
    before, after = values
    if before is None and after is None:
        return f"{name} (erased)"
    return f"{name} {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    text = "none" if value is None else cell(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _because(because: Mapping[str, Any]) -> str:
    """Return the cause as the history has it: events, or the name of something else with its value."""
    causes = [
        ", ".join(map(_event_id, each)) if name == "events" else f"{name} {cell(each)}"
        for name, each in because.items()
    ]
    return f" (because of {', '.join(causes)})" if any(causes) else ""


def _event_id(event: Any) -> str:
    return str(event["id"]) if isinstance(event, Mapping) and "id" in event else cell(event)


def _notification(notification: StoredNotification) -> Line:
    text = f"Cobalt notified: {notification.event}"
    return Line(at=notification.received_at, kind=LineKind.NOTIFIED, slug=notification.slug or "", text=text)


def _suspected(suspected: Suspected) -> Line:
    ended = suspected.finished_at or suspected.started_at
    text = f"run {suspected.run_id} {_suspicion(suspected.kind)}; {_settled(suspected.outcome)}"
    return Line(at=ended, kind=LineKind.RECONCILE, slug=suspected.slug, text=text)


def _suspicion(kind: SuspicionKind) -> str:
    match kind:
        case SuspicionKind.CHANGED:
            return "saw a difference between listing and mirror"
        case SuspicionKind.MISSING:
            return "did not see the account in the listing"
        case SuspicionKind.GONE:
            return "did not see the connection in the listing"
        case SuspicionKind.UNKNOWN:
            return "saw an account that the mirror did not know"
        case SuspicionKind.CONFIGS:
            return "read the configs, as it was their turn"
    assert_never(kind)


def _settled(outcome: SuspicionOutcome | None) -> str:
    match outcome:
        case None:
            return "nothing came of it yet"
        case SuspicionOutcome.REPAIRED:
            return "the mirror was repaired"
        case SuspicionOutcome.AGREED:
            return "mirror and Cobalt agree"
        case SuspicionOutcome.LEFT:
            return "it could not be read, so it is in doubt"
    assert_never(outcome)


def _configs_read(read: ConfigsRead) -> Line:
    text = "a run read the connection with its configs"
    return Line(at=read.looked_at, kind=LineKind.RECONCILE, slug=read.slug, text=text)


def _deletion(deletion: Deletion) -> Iterable[Line]:
    asked = f"asked for by {deletion.event_id} from {deletion.source}"
    gone = f"Cobalt no longer has the account, {asked}"
    yield Line(at=deletion.gone_at, kind=LineKind.DELETION, slug="", text=gone)
    if deletion.confirmed_at is not None:
        yield Line(at=deletion.confirmed_at, kind=LineKind.DELETION, slug="", text="a second read confirmed it")
    if deletion.note is not None:
        yield Line(at=deletion.gone_at, kind=LineKind.DELETION, slug="", text=f"note: {deletion.note}")
