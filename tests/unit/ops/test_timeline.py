"""The lines of a timeline: one for each stored row, in words; their order; and which of them are shown."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.db.calls import MadeCall
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.pauses import Pause
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import (
    CallOutcome,
    EventStatus,
    Move,
    PauseScope,
    RowKind,
    SuspicionKind,
    SuspicionOutcome,
)
from cobalt_mirror.db.story import (
    ConfigsRead,
    StoredCall,
    StoredChange,
    StoredEvent,
    StoredNotification,
    Suspected,
    WaitingCheck,
)
from cobalt_mirror.workers.ops.timeline import LineKind, StoredRows, make_lines

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def event(id_: str = "e1", **more: Any) -> StoredEvent:
    plain: dict[str, Any] = {"source": "crm", "type": "config_changed", "slug": "slack", "recorded_at": NOON}
    plain |= {"status": EventStatus.PENDING, "attempts": 0, "due_at": NOON, "retrying_since": None}
    return StoredEvent(**{**plain, "finished_at": None, "move": None, "reason": None, "id": id_, **more})


def ended(status: EventStatus, **more: Any) -> dict[str, Any]:
    return {"events": [event(status=status, finished_at=NOON + SECOND, **more)]}


def call(**more: Any) -> dict[str, Any]:
    plain = {"made_at": NOON, "connection_id": None, "method": "GET", "path": "/x/{slug}", "status": 200}
    plain |= {"took_ms": 31, "waited_ms": 0, "request_id": None, "outcome": CallOutcome.ANSWERED}
    return {"calls": [StoredCall(slug="slack", attempt="a", call=MadeCall(**{**plain, **more}))]}


def change(changes: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"recorded_at": NOON, "what": RowKind.CONNECTION, "slug": "slack"}
    plain |= {"config_id": None, "connection_id": None, "because": {}}
    return {"changes": [StoredChange(**{**plain, "changes": changes, **more})]}


def suspected(kind: SuspicionKind, outcome: SuspicionOutcome | None) -> dict[str, Any]:
    run: dict[str, Any] = {"run_id": "r1", "started_at": NOON, "finished_at": None, "slug": "slack"}
    return {"suspected": [Suspected(**run, kind=kind, outcome=outcome)]}


RECEIPT = Deletion(linked_account_id="acme", source="crm", event_id="e9", occurred_at=NOON, gone_at=NOON)
RECEIVED = "received: config_changed e1 from crm"

#: What is stored, and the lines: kind, text.
ROWS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"events": [event()]}, [RECEIVED]),
    (ended(EventStatus.DONE), [RECEIVED, "ended: config_changed e1 is done"]),
    (
        ended(EventStatus.SUPERSEDED, reason="a later event replaces this one"),
        [RECEIVED, "ended: config_changed e1 was not needed: a later event replaces this one"],
    ),
    (
        ended(EventStatus.DEAD, reason="no such application", move=Move.OPERATOR),
        [RECEIVED, "ended: config_changed e1 is dead, the operator must act: no such application"],
    ),
    (ended(EventStatus.DEAD), [RECEIVED, "ended: config_changed e1 is dead"]),
    (
        ended(EventStatus.DISCARDED, reason="discarded by ann: a test customer"),
        [RECEIVED, "ended: config_changed e1 was discarded: discarded by ann: a test customer"],
    ),
    (ended(EventStatus.PENDING), [RECEIVED]),
    ({"pending": [event()]}, ["waits: config_changed e1 waits: not attempted yet"]),
    (
        {"pending": [event(attempts=3, reason="no answer")]},
        ["waits: config_changed e1 waits, 3 failed attempts: no answer"],
    ),
    (
        {"checks": [WaitingCheck(slug="", due_at=NOON, reason="a notification", last_error=None)]},
        ["waits: the account will be read again: a notification"],
    ),
    (
        {"checks": [WaitingCheck(slug="slack", due_at=NOON, reason="a notification", last_error="no answer")]},
        ["waits: the application will be read again: a notification; at the last read: no answer"],
    ),
    (
        {"checks": [WaitingCheck(slug="", due_at=NOON, reason="a notification", last_error="paused: account a1")]},
        ["waits: the account will be read again: a notification; paused: account a1"],
    ),
    (call(), ["call: GET /x/{slug}: 200 answered in 31 ms"]),
    (
        call(status=404, outcome=CallOutcome.ABSENT, request_id="q1", connection_id="c1", waited_ms=1),
        [
            "call: GET /x/{slug}: 404 Cobalt does not have it in 31 ms, after 1 ms for a slot, connection c1, "
            "request_id q1"
        ],
    ),
    (
        call(status=None, outcome=CallOutcome.UNANSWERED),
        ["call: GET /x/{slug}: no complete answer in 31 ms"],
    ),
    (
        change({"status": ["connected", "disconnected"]}, because={"events": [{"source": "crm", "id": "e1"}]}),
        ["mirror: connection: status connected → disconnected (because of e1)"],
    ),
    (
        change({"status": [None, "installed"], "fields": [None, {"a": 1}]}, config_id="acme", connection_id="c1"),
        ['mirror: connection acme of connection c1: status none → installed, fields none → {"a": 1}'],
    ),
    (
        change({"name": [None, None]}, because={"check": "a notification"}),
        ["mirror: connection: name (erased) (because of check a notification)"],
    ),
    (change({"name": ["x" * 60, "y" * 61]}), [f"mirror: connection: name {'x' * 60} → {'y' * 59}…"]),
    (
        {"notifications": [StoredNotification(received_at=NOON, event="Connection Expired", slug="slack")]},
        ["notified: Cobalt notified: Connection Expired"],
    ),
    (
        suspected(SuspicionKind.CHANGED, SuspicionOutcome.REPAIRED),
        ["reconcile: run r1 saw a difference between listing and mirror; the mirror was repaired"],
    ),
    (
        suspected(SuspicionKind.GONE, SuspicionOutcome.AGREED),
        ["reconcile: run r1 did not see the connection in the listing; mirror and Cobalt agree"],
    ),
    (
        suspected(SuspicionKind.MISSING, SuspicionOutcome.LEFT),
        ["reconcile: run r1 did not see the account in the listing; it could not be read, so it is in doubt"],
    ),
    (
        suspected(SuspicionKind.UNKNOWN, None),
        ["reconcile: run r1 saw an account that the mirror did not know; nothing came of it yet"],
    ),
    (
        suspected(SuspicionKind.CONFIGS, SuspicionOutcome.AGREED),
        ["reconcile: run r1 read the configs, as it was their turn; mirror and Cobalt agree"],
    ),
    (
        {"configs_read": [ConfigsRead(slug="slack", looked_at=NOON)]},
        ["reconcile: a run read the connection with its configs"],
    ),
    ({"deletion": RECEIPT}, ["deletion: Cobalt no longer has the account, asked for by e9 from crm"]),
    (
        {"deletion": replace(RECEIPT, confirmed_at=NOON + SECOND, note="it is back")},
        [
            "deletion: Cobalt no longer has the account, asked for by e9 from crm",
            "deletion: note: it is back",
            "deletion: a second read confirmed it",
        ],
    ),
    ({"denied_since": NOON}, ["denied: Cobalt says that it does not have the account, which the mirror shows"]),
    (
        {"pause": Pause(scope=PauseScope.ACCOUNT, name="acme", since=NOON, until=None, why=None, by="ada")},
        ["paused: account acme until somebody resumes it, by ada"],
    ),
    (
        {"halt": Halt(reason="why", since=NOON, probe_at=NOON)},
        ["halted: all work halted, for every customer: why"],
    ),
]


@pytest.mark.parametrize(("stored", "lines"), ROWS)
def test_a_row_has_its_lines(stored: dict[str, Any], lines: list[str]) -> None:
    made = make_lines(StoredRows(**stored), since=None, limit=10)

    assert [f"{line.kind}: {line.text}" for line in made] == lines


def test_every_kind_of_line_and_every_outcome_of_a_call_has_words() -> None:
    assert {
        kind for kind in LineKind if not [line for _, lines in ROWS for line in lines if line.startswith(kind)]
    } == set()
    for outcome in CallOutcome:
        assert make_lines(StoredRows(**call(outcome=outcome)), since=None, limit=1)[0].text


def test_lines_of_the_same_time_are_told_in_the_order_in_which_things_happen() -> None:
    at = NOON + SECOND
    rows = StoredRows(
        **change({"status": [None, "connected"]}, recorded_at=at),
        **call(made_at=at),
        **ended(EventStatus.DONE, recorded_at=at),
        notifications=[StoredNotification(received_at=at, event="Connection Created", slug="slack")],
    )

    kinds = [line.kind for line in make_lines(rows, since=None, limit=10)]

    assert kinds == ["received", "notified", "call", "mirror", "ended"]


@pytest.mark.parametrize(
    ("since", "limit", "ids"),
    [
        (None, 10, ["a", "b", "c"]),
        (None, 3, ["a", "b", "c"]),
        (None, 2, ["b", "c"]),
        (NOON + SECOND, 10, ["b", "c"]),
        (NOON + SECOND + timedelta(microseconds=1), 10, ["c"]),
        (NOON + 9 * SECOND, 10, []),
    ],
)
def test_only_the_latest_are_shown_and_none_from_before_but_always_what_waits(
    since: datetime | None, limit: int, ids: list[str]
) -> None:
    events = [event(id_, recorded_at=NOON + number * SECOND) for number, id_ in enumerate("abc")]
    rows = StoredRows(events=events, pending=[event("p2", due_at=NOON + SECOND), event("p1", due_at=NOON)])

    lines = make_lines(rows, since=since, limit=limit)

    assert [line.text.split()[1] for line in lines] == [*ids, "p1", "p2"]
