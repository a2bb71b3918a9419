"""What the operator has to do: a row for each fact that calls for her, and for each that does not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.db.processes import ALIVE_FOR, REDIS_TROUBLE, ProcessRow
from cobalt_mirror.db.receivers import ReceiverState
from cobalt_mirror.db.runs import RunRow
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import Move, ProcessKind, ReceiverKind
from cobalt_mirror.db.waiting import Retrying, WaitingEvent
from cobalt_mirror.workers.ops.actions import Cause, Facts, list_actions
from cobalt_mirror.workers.ops.overview import find_brake

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_WAIT = timedelta(minutes=15)


def process(kind: ProcessKind, *, seen: timedelta = timedelta(seconds=3), **more: Any) -> ProcessRow:
    begun = NOON - timedelta(days=2)
    row = ProcessRow(id="p", kind=kind, host="h1", pid=12, release="1.0", started_at=begun, seen_at=NOON - seen)
    return replace(row, **more)


RELAY, WORKER, WEB = (process(kind) for kind in (ProcessKind.RELAY, ProcessKind.WORKER, ProcessKind.WEB))


def event(*, due: timedelta = timedelta(), **more: Any) -> WaitingEvent:
    row = WaitingEvent(
        source="host",
        id="1",
        type="config_changed",
        linked_account_id="acme",
        slug="slack",
        recorded_at=NOON - timedelta(hours=9),
        due_at=NOON - due,
        attempts=0,
        move=None,
        retrying_since=None,
        reason=None,
    )
    return replace(row, **more)


def halt(move: Move) -> Halt:
    since = NOON - timedelta(minutes=5)
    return Halt(reason="the reason", since=since, probe_at=NOON, move=move)


def retrying(move: Move) -> Mapping[Move, Retrying]:
    first = event(reason="no key in MIRROR_SECRET_KEYS decrypts a stored secret", retrying_since=NOON, attempts=1)
    return {move: Retrying(number=3, first=first)}


def receiver(**changes: Any) -> ReceiverState:
    numbers: dict[str, Any] = dict.fromkeys(("behind", "pending", "begun", "failed"), 0)
    names = ("failing_since", "detail", "delivered_at", "disabled_at", "disabled_because")
    nothing: dict[str, Any] = dict.fromkeys(names)
    state = ReceiverState(name="default", kind=ReceiverKind.ENDPOINT, **numbers, **nothing)
    return replace(state, **changes)


def facts(**changes: Any) -> Facts:
    healthy = Facts(
        at=NOON,
        newer_schema=None,
        write_failure=None,
        redis_failure=None,
        processes=[RELAY, WORKER, WEB],
        halt=None,
        retrying={},
        longest_due=event(due=LONGEST_WAIT),
        longest_wait=LONGEST_WAIT,
        brake=None,
        returned=0,
        first_returned=None,
        receivers=[receiver(pending=3, begun=2, failing_since=NOON - LONGEST_WAIT, detail="it answered 500")],
        dead={},
    )
    return replace(healthy, **changes)


TROUBLE = "another installation uses the same Redis; give one of them another REDIS_NAMESPACE"
REDIS = f"{REDIS_TROUBLE}refuses the login; correct it"
ROWS: list[tuple[str, dict[str, Any], list[Cause]]] = [
    ("all is well, and the oldest due event waits for just as long as it may", {}, []),
    ("a web process is not needed", {"processes": [RELAY, WORKER]}, []),
    ("nothing has run and nothing is due", {"processes": [], "longest_due": None}, []),
    ("nothing has run and an event is due", {"processes": [], "longest_due": event()}, [Cause.NOTHING_RUNS]),
    ("no relay ever ran", {"processes": [WORKER, WEB]}, [Cause.NO_RELAY]),
    ("no worker ever ran", {"processes": [RELAY, WEB]}, [Cause.NO_WORKER]),
    ("neither ever ran", {"processes": [WEB]}, [Cause.NO_RELAY, Cause.NO_WORKER]),
    (
        "the relay was last seen too long ago",
        {"processes": [process(ProcessKind.RELAY, seen=ALIVE_FOR), WORKER]},
        [Cause.NO_RELAY],
    ),
    (
        "the relay was seen just in time",
        {"processes": [process(ProcessKind.RELAY, seen=ALIVE_FOR - MICROSECOND), WORKER]},
        [],
    ),
    (
        "the relay ended in good order a moment ago",
        {"processes": [replace(RELAY, ended_at=NOON - MICROSECOND), WORKER]},
        [Cause.NO_RELAY],
    ),
    ("another relay runs", {"processes": [replace(RELAY, ended_at=NOON), RELAY, WORKER]}, []),
    (
        "a running process is in trouble",
        {"processes": [replace(RELAY, trouble=TROUBLE), WORKER]},
        [Cause.PROCESS_IN_TROUBLE],
    ),
    (
        "two of a kind with one trouble are one",
        {"processes": [RELAY, *[replace(WORKER, trouble=TROUBLE)] * 2]},
        [Cause.PROCESS_IN_TROUBLE],
    ),
    (
        "its Redis is not ours, or ours is mended",
        {"processes": [replace(RELAY, trouble=REDIS), WORKER]},
        [Cause.PROCESS_IN_TROUBLE],
    ),
    (
        "the same Redis fails here, which is said once",
        {"processes": [replace(RELAY, trouble=REDIS), replace(WORKER, trouble=REDIS)], "redis_failure": "no Redis"},
        [Cause.REDIS],
    ),
    (
        "the same Redis fails here, and a process has another trouble",
        {"processes": [replace(RELAY, trouble=REDIS), replace(WORKER, trouble=TROUBLE)], "redis_failure": "no Redis"},
        [Cause.REDIS, Cause.PROCESS_IN_TROUBLE],
    ),
    ("the database takes no writes", {"write_failure": "the database's disk is full"}, [Cause.NO_WRITES]),
    (
        "a process that is gone was in trouble",
        {"processes": [replace(RELAY, ended_at=NOON, trouble=TROUBLE), RELAY, WORKER]},
        [],
    ),
    ("the schema is ahead", {"newer_schema": "0099"}, [Cause.NEWER_SCHEMA]),
    ("Redis refuses", {"redis_failure": "the Redis at redis://r refuses the login"}, [Cause.REDIS]),
    ("the key is refused", {"halt": halt(Move.OPERATOR)}, [Cause.HALTED]),
    ("Cobalt is down", {"halt": halt(Move.PROVIDER)}, [Cause.HALTED]),
    ("sealed events have no key", {"retrying": retrying(Move.OPERATOR)}, [Cause.RETRYING]),
    ("Cobalt fails for a few customers", {"retrying": retrying(Move.PROVIDER)}, []),
    ("an event is overdue", {"longest_due": event(due=LONGEST_WAIT + MICROSECOND)}, [Cause.OVERDUE]),
    ("an event that failed waits for its next attempt", {"longest_due": None}, []),
    (
        "an event is overdue because work is halted",
        {"longest_due": event(due=timedelta(hours=8)), "halt": halt(Move.OPERATOR)},
        [Cause.HALTED],
    ),
    ("the brake stopped a run", {"brake": "30 of 100 accounts seem to be deleted at Cobalt"}, [Cause.BRAKE]),
    ("a deleted account is at Cobalt again", {"returned": 1, "first_returned": "acme"}, [Cause.RETURNED]),
    (
        "a receiver fails for longer than that",
        {"receivers": [receiver(pending=1, begun=1, failing_since=NOON - LONGEST_WAIT - MICROSECOND)]},
        [Cause.NOTICES],
    ),
    ("a notice waits to see whether it lasts", {"receivers": [receiver(pending=1, behind=9)]}, []),
    ("a notice was given up", {"receivers": [receiver(failed=1, failing_since=NOON)]}, [Cause.NOTICES]),
    (
        "two receivers are disabled",
        {"receivers": [receiver(disabled_at=NOON, disabled_because="it answered 410")] * 2},
        [Cause.NOTICES, Cause.NOTICES],
    ),
    ("the operator's events are dead", {"dead": {Move.OPERATOR: 1}}, [Cause.DEAD]),
    ("customers' events are dead", {"dead": {Move.CUSTOMER: 999}}, []),
    ("providers' events are dead", {"dead": {Move.PROVIDER: 999}}, []),
    (
        "everything at once, the most urgent first",
        {
            "newer_schema": "0099",
            "redis_failure": "no Redis answers",
            "processes": [WEB],
            "retrying": retrying(Move.OPERATOR),
            "longest_due": event(due=timedelta(hours=8)),
            "brake": "30 of 100 accounts",
            "receivers": [receiver(failed=1)],
            "dead": {Move.OPERATOR: 1, Move.CUSTOMER: 2},
        },
        [
            Cause.NEWER_SCHEMA,
            Cause.REDIS,
            Cause.NO_RELAY,
            Cause.NO_WORKER,
            Cause.RETRYING,
            Cause.OVERDUE,
            Cause.BRAKE,
            Cause.NOTICES,
            Cause.DEAD,
        ],
    ),
]


@pytest.mark.parametrize(("changes", "causes"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_operator_is_called_for_exactly_what_only_she_can_do(changes: dict[str, Any], causes: list[Cause]) -> None:
    actions = list_actions(facts(**changes))

    assert [action.cause for action in actions] == causes
    assert all(action.text for action in actions)


def test_every_cause_is_in_the_table() -> None:
    assert {cause for _, _, causes in ROWS for cause in causes} == set(Cause)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"processes": [WORKER]}, ["no relay runs", "start `cobalt-mirror relay`"]),
        (
            {"processes": [process(ProcessKind.RELAY, seen=timedelta(minutes=9)), WORKER]},
            ["no relay runs", "h1", "was last seen 9 min ago"],
        ),
        (
            {"processes": [replace(WORKER, ended_at=NOON - timedelta(hours=3)), RELAY]},
            ["no worker runs", "ended 3 h ago", "start `cobalt-mirror worker`"],
        ),
        ({"processes": [RELAY, replace(WORKER, trouble=TROUBLE)]}, ["worker", "h1, process 12", TROUBLE]),
        ({"halt": halt(Move.OPERATOR)}, ["halted for 5 min", "the reason", "restart the workers"]),
        ({"halt": halt(Move.PROVIDER)}, ["halted for 5 min", "the reason", "continues by itself"]),
        ({"retrying": retrying(Move.OPERATOR)}, ["3 events", "account acme", "no key in MIRROR_SECRET_KEYS"]),
        ({"longest_due": event(due=timedelta(hours=8))}, ["account acme", "due for 8 h;"]),
        ({"longest_due": event(due=timedelta(hours=8), reason="502")}, ["account acme", "due for 8 h (502);"]),
        ({"newer_schema": "0099"}, ["version 0099", "install the release"]),
        ({"dead": {Move.OPERATOR: 1}}, ["1 event dead"]),
    ],
)
def test_the_sentence_says_what_is_wrong_where_and_what_to_do(changes: dict[str, Any], words: list[str]) -> None:
    (action,) = list_actions(facts(**changes))

    assert [word for word in words if word not in action.text] == [], action.text


# --- the brake --------------------------------------------------------------------------------------------------------

HELD = "30 of 100 accounts seem to be deleted at Cobalt; no existing row was changed. Check this"
WHOLE = {"account": None, "deep": False, "dry_run": False, "older_than_seconds": None, "allow_missing": False}


def run(*, stopped_because: str | None, **options: Any) -> RunRow:
    counts = dict.fromkeys(
        ("position", "untold", "unmapped", "pages", "compared", "adopted", "repaired", "left", "calls"), 0
    )
    return RunRow(
        id="r",
        options={**WHOLE, **options},
        started_at=NOON,
        finished_at=NOON if stopped_because is None else None,
        resumes=None,
        place=None,
        alive_until=None,
        walking_since=NOON,
        walked_at=None,
        total=None,
        contradiction=None,
        stopped_because=stopped_because,
        **counts,
    )


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([], None, id="no run"),
        pytest.param([run(stopped_because=HELD)], HELD, id="the last run was stopped by it"),
        pytest.param([run(stopped_because=None), run(stopped_because=HELD)], None, id="a later one went through"),
        pytest.param(
            [run(stopped_because="Ctrl-C"), run(stopped_because=HELD)], None, id="a later one was interrupted"
        ),
        pytest.param(
            [run(stopped_because=None, dry_run=True), run(stopped_because=HELD)], HELD, id="a later one only looked"
        ),
        pytest.param(
            [run(stopped_because=None, account="a"), run(stopped_because=HELD)], HELD, id="a later one read one account"
        ),
        pytest.param(
            [run(stopped_because=None, older_than_seconds=5), run(stopped_because=HELD)],
            HELD,
            id="a later one read a few",
        ),
        pytest.param(
            [run(stopped_because=None, allow_missing=True), run(stopped_because=HELD)], None, id="allowed once"
        ),
    ],
)
def test_the_brake_counts_until_a_later_run_over_everything(runs: Sequence[RunRow], expected: str | None) -> None:
    assert find_brake(runs) == expected
