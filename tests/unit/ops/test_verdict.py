"""How a customer stands: each state alone, which of two is said, and both sides of each boundary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.db import MirroredAccount, MirroredConnection
from cobalt_mirror.db.deletions import Deletion
from cobalt_mirror.db.pauses import Pause
from cobalt_mirror.db.state import Halt
from cobalt_mirror.db.statuses import (
    AccountStatus,
    ConnectionStatus,
    EventStatus,
    Move,
    PauseScope,
    RowKind,
)
from cobalt_mirror.db.story import DeadEvents, StoredEvent, WaitingCheck
from cobalt_mirror.workers.ops.standing import CustomerState, Standing
from cobalt_mirror.workers.ops.verdict import decide, in_words

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def ago(**length: float) -> datetime:
    return NOON - timedelta(**length)


def stored(id_: str, **more: Any) -> StoredEvent:
    plain: dict[str, Any] = {"source": "host", "type": "config_changed", "slug": "slack", "recorded_at": ago(hours=1)}
    plain |= {"status": EventStatus.PENDING, "attempts": 0, "due_at": NOON, "retrying_since": None}
    return StoredEvent(**{**plain, "finished_at": None, "move": None, "reason": None, "id": id_, **more})


def account(status: AccountStatus = AccountStatus.ACTIVE) -> MirroredAccount:
    return MirroredAccount(
        linked_account_id="acme", name=None, udf=None, environment=None, status=status, verified_at=None
    )


def linked(slug: str, status: ConnectionStatus) -> MirroredConnection:
    return MirroredConnection(
        linked_account_id="acme", slug=slug, status=status, accounts=None, connected_at=None, verified_at=None
    )


def check(slug: str = "slack", due_at: datetime = NOON + timedelta(seconds=5)) -> WaitingCheck:
    return WaitingCheck(slug=slug, due_at=due_at, reason="a notification", last_error=None)


PLAIN = Standing(
    at=NOON,
    account_id="acme",
    halt=None,
    pause=None,
    account=account(),
    deletion=None,
    connections=(),
    status_times={},
    pending=(),
    stopper=None,
    failing={},
    dead={},
    checks=(),
    is_braked=False,
    lease_ends=None,
    longest_wait=timedelta(minutes=15),
)
FAILING = stored("f", retrying_since=ago(minutes=9), attempts=4, reason="no answer")
DIED = stored("d", status=EventStatus.DEAD, finished_at=ago(days=1), reason="no such application")
RECEIPT = Deletion(
    linked_account_id="acme", source="host", event_id="e", occurred_at=ago(hours=3), gone_at=ago(hours=2)
)


def halted(move: Move) -> dict[str, Any]:
    halt = Halt(reason="why", since=ago(minutes=3), probe_at=NOON + timedelta(seconds=30), move=move)
    return {"halt": halt}


def pause(scope: PauseScope, name: str | None) -> Pause:
    return Pause(scope=scope, name=name, since=ago(minutes=6), until=None, why="Slack is down", by="ada")


def dead(move: Move) -> dict[str, Any]:
    return {"dead": {move: DeadEvents(number=2, first=DIED)}}


def failing(move: Move | None) -> dict[str, Any]:
    return {"failing": {move: FAILING}, "pending": [FAILING]}


STUCK: dict[str, Any] = {"stopper": "no worker runs", "pending": [stored("s", due_at=NOON)]}
OVERDUE = {"pending": [stored("o", due_at=ago(minutes=15) - MICROSECOND)]}
MADE_ANEW = {"account": account(AccountStatus.DELETED), "deletion": replace(RECEIPT, note="it is back")}
MISSING = {
    "account": account(AccountStatus.MISSING),
    "status_times": {(RowKind.LINKED_ACCOUNT, ""): ago(hours=4)},
}
EXPIRED = {
    "connections": [linked("slack", ConnectionStatus.REAUTH_REQUIRED), linked("gmail", ConnectionStatus.CONNECTED)],
    "status_times": {(RowKind.CONNECTION, "slack"): ago(hours=5), (RowKind.CONNECTION, "gmail"): ago(hours=6)},
}
IN_HAND = {"lease_ends": NOON + MICROSECOND}
WAITING = {"pending": [stored("w", due_at=NOON + timedelta(seconds=5))]}

#: In the order in which they are said: what holds, and the state, since when, whose move, and the command.
STATES: list[tuple[dict[str, Any], CustomerState, datetime | None, Move | None, str | None]] = [
    (halted(Move.OPERATOR), CustomerState.HALTED, ago(minutes=3), Move.OPERATOR, "status"),
    (
        {"pause": pause(PauseScope.APPLICATION, "slack")},
        CustomerState.PAUSED,
        ago(minutes=6),
        Move.OPERATOR,
        "resume --application slack",
    ),
    (
        dead(Move.OPERATOR),
        CustomerState.DEAD,
        ago(days=1),
        Move.OPERATOR,
        "dead replay --account acme --move operator",
    ),
    (STUCK, CustomerState.STUCK, NOON, Move.OPERATOR, "status"),
    (OVERDUE, CustomerState.OVERDUE, ago(minutes=15) - MICROSECOND, Move.OPERATOR, "status"),
    (failing(Move.OPERATOR), CustomerState.RETRYING, ago(minutes=9), Move.OPERATOR, "events hurry f"),
    (MADE_ANEW, CustomerState.DELETED_AND_BACK, ago(hours=2), Move.OPERATOR, "publish user_deleted acme"),
    (MISSING, CustomerState.MISSING, ago(hours=4), None, "publish user_signed_up acme"),
    (failing(Move.PROVIDER), CustomerState.RETRYING, ago(minutes=9), Move.PROVIDER, None),
    (failing(Move.CUSTOMER), CustomerState.RETRYING, ago(minutes=9), Move.CUSTOMER, None),
    (failing(None), CustomerState.RETRYING, ago(minutes=9), None, None),
    (
        dead(Move.PROVIDER),
        CustomerState.DEAD,
        ago(days=1),
        Move.PROVIDER,
        "dead replay --account acme --move provider",
    ),
    (dead(Move.CUSTOMER), CustomerState.DEAD, ago(days=1), Move.CUSTOMER, None),
    (EXPIRED, CustomerState.REAUTH_REQUIRED, ago(hours=5), Move.CUSTOMER, None),
    (IN_HAND, CustomerState.IN_HAND, None, None, None),
    (WAITING, CustomerState.WAITING, ago(hours=1), None, None),
    ({"checks": [check()]}, CustomerState.TO_BE_READ, None, None, None),
    (
        {"account": account(AccountStatus.DELETED), "deletion": RECEIPT},
        CustomerState.DELETED,
        ago(hours=2),
        None,
        None,
    ),
    ({}, CustomerState.AT_REST, None, None, None),
]


@pytest.mark.parametrize(("holds", "state", "since", "move", "command"), STATES)
def test_each_state_has_its_time_its_mover_and_its_command(
    holds: dict[str, Any], state: CustomerState, since: datetime | None, move: Move | None, command: str | None
) -> None:
    verdict = decide(replace(PLAIN, **holds))

    assert (verdict.state, verdict.since, verdict.move) == (state, since, move)
    assert verdict.command == (None if command is None else f"cobalt-mirror {command}")


def test_every_state_is_in_the_table() -> None:
    assert {state for _, state, *_ in STATES} == set(CustomerState)


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Both hold; what both name is joined, and where only one can be, the second's."""
    joined = {**first, **second}
    for name in first.keys() & second.keys():
        if name in {"dead", "failing", "status_times"}:
            joined[name] = {**first[name], **second[name]}
        elif name == "pending":
            joined[name] = sorted([*first[name], *second[name]], key=lambda event: event.due_at)
    return joined


@pytest.mark.parametrize("place", range(len(STATES) - 1))
def test_of_two_that_hold_the_one_that_comes_first_in_the_table_is_said(place: int) -> None:
    (more, state, _, move, _), (less, *_) = STATES[place], STATES[place + 1]
    if {"account", "deletion"} & more.keys() & less.keys():
        return  # an account has one status
    verdict = decide(replace(PLAIN, **merged(less, more)))

    assert (verdict.state, verdict.move) == (state, move)


@pytest.mark.parametrize(
    ("holds", "state"),
    [
        ({"pending": [stored("o", due_at=ago(minutes=15))]}, CustomerState.WAITING),
        ({"lease_ends": NOON}, CustomerState.AT_REST),
        ({**MADE_ANEW, "account": account()}, CustomerState.AT_REST),
        ({"deletion": RECEIPT, "account": None}, CustomerState.DELETED),
        ({"deletion": RECEIPT}, CustomerState.AT_REST),
        ({"connections": [linked("slack", ConnectionStatus.DISCONNECTED)]}, CustomerState.AT_REST),
    ],
)
def test_on_the_other_side_of_a_boundary_it_is_another_state(holds: dict[str, Any], state: CustomerState) -> None:
    assert decide(replace(PLAIN, **holds)).state is state


@pytest.mark.parametrize(
    ("holds", "what"),
    [
        ({}, None),
        ({**WAITING, "checks": [check(due_at=NOON + timedelta(seconds=4))]}, "a read of slack"),
        ({**WAITING, "checks": [check("", NOON + timedelta(seconds=6))]}, "an attempt at config_changed w for slack"),
        ({**WAITING, "checks": [check("", NOON + timedelta(seconds=5))]}, "an attempt at config_changed w for slack"),
        ({"checks": [check("")]}, "a read of the account"),
        ({**WAITING, **halted(Move.PROVIDER)}, "a probe of Cobalt"),
    ],
)
def test_what_is_due_first_comes_next(holds: dict[str, Any], what: str | None) -> None:
    step = decide(replace(PLAIN, **holds)).next

    assert (None if step is None else step.step) == what


def test_what_is_not_due_yet_is_not_stuck() -> None:
    stopped = replace(PLAIN, stopper="no worker runs")

    assert decide(replace(stopped, pending=[stored("s", due_at=NOON + MICROSECOND)])).state is CustomerState.WAITING
    assert decide(stopped).state is CustomerState.AT_REST


def test_an_id_that_a_shell_would_take_apart_is_quoted() -> None:
    verdict = decide(replace(PLAIN, **dead(Move.OPERATOR), account_id="acme; rm -rf"))

    assert verdict.command == "cobalt-mirror dead replay --account 'acme; rm -rf' --move operator"


@pytest.mark.parametrize(
    ("scope", "name", "option"),
    [(PauseScope.EVERYTHING, None, "--everything"), (PauseScope.ACCOUNT, "a b", "--account 'a b'")],
)
def test_the_command_of_a_pause_names_what_is_paused(scope: PauseScope, name: str | None, option: str) -> None:
    assert decide(replace(PLAIN, pause=pause(scope, name))).command == f"cobalt-mirror resume {option}"


@pytest.mark.parametrize(
    ("holds", "words"),
    [
        ({}, "at rest: nothing waits; no connections; nothing is due; no one has to act"),
        (
            {**failing(Move.OPERATOR), "pending": [replace(FAILING, due_at=NOON + timedelta(seconds=90))]},
            "retrying since 2026-01-31 11:51:00Z (9 min): config_changed f for slack, 4 failed attempts: no answer; "
            "next: an attempt at config_changed f for slack at 2026-01-31 12:01:30Z (in 90 s); the operator must act: "
            "correct that, then wait, or cobalt-mirror events hurry f",
        ),
        (
            {"is_braked": True},
            "at rest: nothing waits; no connections; but the last reconcile was stopped by its brake, so Cobalt may "
            "have less; nothing is due; no one has to act: to compare this customer with Cobalt, run cobalt-mirror "
            "reconcile --account acme --dry-run",
        ),
        (
            dead(Move.OPERATOR),
            "dead since 2026-01-30 12:00:00Z (24 h): config_changed d for slack and 1 more: no such application; "
            "nothing is due; the operator must act: correct that, then "
            "cobalt-mirror dead replay --account acme --move operator",
        ),
        (
            dead(Move.CUSTOMER),
            "dead since 2026-01-30 12:00:00Z (24 h): config_changed d for slack and 1 more: no such application; "
            "nothing is due; the customer must act: correct it in your app, which publishes a new event",
        ),
        (
            {"pending": [stored("w", due_at=NOON)]},
            "waiting since 2026-01-31 11:00:00Z (60 min): config_changed w for slack: not attempted yet; next: an "
            "attempt at config_changed w for slack at 2026-01-31 12:00:00Z (now); no one has to act",
        ),
    ],
)
def test_a_verdict_is_one_line(holds: dict[str, Any], words: str) -> None:
    assert in_words(decide(replace(PLAIN, **holds)), NOON) == words
