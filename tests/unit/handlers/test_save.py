"""What an outcome writes into an event's row: the whole table, with the moment at which a retry gives up."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.db.rows import connection_change
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.handlers.save import cause_of, event_update, is_doubtful
from cobalt_mirror.workers.outcomes import DONE, Outcome, Verdict, superseded, wait_after
from cobalt_mirror.workers.settings import Settings
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, authorized, logged, signed_up
from tests.unit.handlers.subjects import CHECK, findings

SETTINGS = Settings(retry_base_seconds=2, retry_cap_seconds=900, retry_give_up_days=3)
CLEARED = {"move": None, "last_error": None, "last_response": None}


def doubling(attempts: int, *, base_seconds: float, cap_seconds: float) -> timedelta:
    """A backoff that leaves nothing to chance."""
    return timedelta(seconds=min(cap_seconds, base_seconds * 2**attempts))


def retry(move: Move | None = Move.PROVIDER) -> Outcome:
    return Outcome(verdict=Verdict.RETRY, detail="no answer", move=move, response={"status": 500})


FAILED = {"last_error": "no answer", "last_response": {"status": 500}, "move": "provider", "detail": None}

#: The outcome, what the row has already, and what is written. The event is of a connection; it is noon.
ROWS = [
    pytest.param(DONE, {}, {"status": "done", "finished_at": NOON, "detail": None, **CLEARED}, id="done"),
    pytest.param(
        Outcome(verdict=Verdict.DONE, detail="nothing to remove"),
        {"attempts": 3},
        {"status": "done", "finished_at": NOON, "detail": "nothing to remove", **CLEARED},
        id="done, with a reason",
    ),
    pytest.param(
        superseded("a later one"),
        {},
        {"status": "superseded", "finished_at": NOON, "detail": "a later one", **CLEARED},
        id="superseded",
    ),
    pytest.param(
        Outcome(verdict=Verdict.DEAD, detail="no such application", move=Move.CUSTOMER, response={"status": 404}),
        {"attempts": 3},
        {
            "status": "dead",
            "finished_at": NOON,
            "attempts": 4,
            "retrying_since": None,
            "last_error": "no such application",
            "last_response": {"status": 404},
            "move": "customer",
            "detail": None,
        },
        id="dead",
    ),
    pytest.param(
        Outcome(verdict=Verdict.DEAD, detail="no"),
        {},
        {
            "status": "dead",
            "finished_at": NOON,
            "attempts": 1,
            "retrying_since": None,
            "last_error": "no",
            "last_response": None,
            "move": "operator",
            "detail": None,
        },
        id="dead, and it is not said who has to act",
    ),
    pytest.param(
        retry(),
        {},
        {**FAILED, "retrying_since": NOON, "attempts": 1, "due_at": NOON + timedelta(seconds=2)},
        id="the first failure",
    ),
    pytest.param(
        retry(),
        {"attempts": 3, "retrying_since": NOON - timedelta(hours=1)},
        {
            **FAILED,
            "retrying_since": NOON - timedelta(hours=1),
            "attempts": 4,
            "due_at": NOON + timedelta(seconds=16),
        },
        id="the fourth failure",
    ),
    pytest.param(
        retry(),
        {"attempts": 30},
        {**FAILED, "retrying_since": NOON, "attempts": 31, "due_at": NOON + timedelta(seconds=900)},
        id="a failure after which the longest time is waited",
    ),
    pytest.param(
        Outcome(verdict=Verdict.SNOOZE, delay=timedelta(seconds=5), detail="not yet"),
        {"looks": 1},
        {"detail": "not yet", "looks": 1, "due_at": NOON + timedelta(seconds=5)},
        id="put off",
    ),
    pytest.param(
        Outcome(verdict=Verdict.SNOOZE, delay=timedelta(), detail="the lease ran short"),
        {},
        {"detail": "the lease ran short", "looks": 0, "due_at": NOON},
        id="put off for no time at all",
    ),
    pytest.param(Outcome(verdict=Verdict.SNOOZE), {}, {"detail": None, "looks": 0}, id="left as it was"),
    pytest.param(
        Outcome(verdict=Verdict.SNOOZE, looked=True), {"looks": 1}, {"detail": None, "looks": 2}, id="looked at"
    ),
    pytest.param(
        Outcome(verdict=Verdict.SNOOZE, alone=True), {}, {"detail": None, "looks": 0, "alone": True}, id="tried alone"
    ),
    pytest.param(
        Outcome(verdict=Verdict.HALTED, detail="the key is refused"),
        {"looks": 1},
        {"detail": "the key is refused", "looks": 1},
        id="halted",
    ),
]


@pytest.mark.parametrize(("outcome", "columns", "written"), ROWS)
def test_an_outcome_writes_its_columns(outcome: Outcome, columns: dict[str, Any], written: dict[str, Any]) -> None:
    event = authorized("a", **columns).logged
    update = event_update(event, outcome, now=NOON, settings=SETTINGS, backoff=doubling)

    assert update.key == ("host", "a")
    assert update.columns == written


def test_no_verdict_is_missing_from_the_table() -> None:
    outcomes = [row.values[0] for row in ROWS]

    assert {outcome.verdict for outcome in outcomes if isinstance(outcome, Outcome)} == set(Verdict)


THREE_DAYS = timedelta(days=3)
#: Since when it fails, the type of the event, and whether it is dead now.
GIVEN_UP = [
    pytest.param(None, EventType.CONFIG_CHANGED, False, id="for the first time"),
    pytest.param(NOON - THREE_DAYS + MICROSECOND, EventType.CONFIG_CHANGED, False, id="just under three days"),
    pytest.param(NOON - THREE_DAYS, EventType.CONFIG_CHANGED, False, id="three days exactly"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.CONFIG_CHANGED, True, id="just over three days"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.CONNECTION_AUTHORIZED, True, id="an authorisation"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.CONNECTION_REMOVED, True, id="a removal"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.CONFIG_REMOVED, True, id="a removal of a config"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.USER_SIGNED_UP, True, id="a sign-up"),
    pytest.param(NOON - THREE_DAYS - MICROSECOND, EventType.USER_DELETED, False, id="a deletion never gives up"),
    pytest.param(NOON - 100 * THREE_DAYS, EventType.USER_DELETED, False, id="not after three hundred days either"),
]


@pytest.mark.parametrize(("since", "type_", "gives_up"), GIVEN_UP)
@pytest.mark.parametrize("move", [*Move, None])
def test_a_retry_gives_up_by_age(since: datetime | None, type_: EventType, gives_up: bool, move: Move | None) -> None:
    event = logged(type_, "a", retrying_since=since, attempts=500)
    columns = event_update(event, retry(move), now=NOON, settings=SETTINGS, backoff=doubling).columns

    assert columns.get("status") == ("dead" if gives_up else None)
    assert columns["move"] == (move or Move.OPERATOR if gives_up else move)
    assert columns["attempts"] == 501
    assert (columns["last_error"], columns["last_response"]) == ("no answer", {"status": 500})
    assert columns["retrying_since"] == (None if gives_up else NOON if since is None else since)


def test_no_type_of_event_is_missing_from_the_table() -> None:
    assert {row.values[1] for row in GIVEN_UP} == set(EventType)


def test_a_wait_goes_by_the_settings() -> None:
    asked: list[tuple[int, float, float]] = []

    def backoff(attempts: int, *, base_seconds: float, cap_seconds: float) -> timedelta:
        asked.append((attempts, base_seconds, cap_seconds))
        return timedelta(seconds=7)

    assert wait_after(4, SETTINGS, backoff) == timedelta(seconds=7)
    assert asked == [(4, 2, 900)]


# --- the cause that the history names ---------------------------------------------------------------------------------


def test_the_history_names_the_events_of_an_attempt_or_its_check() -> None:
    events = [signed_up(f"e{number}", number, source="app") for number in range(21)]
    named = [{"source": "app", "id": f"e{number}"} for number in range(21)]

    assert cause_of(findings(events[0]).loaded) == {"events": named[:1]}
    assert cause_of(findings(events[0], check=CHECK).loaded) == {"events": named[:1]}
    assert cause_of(findings(*events[:20]).loaded) == {"events": named[:20]}
    assert cause_of(findings(*events).loaded) == {"events": named[:20]}
    assert cause_of(findings(check=CHECK).loaded) == {"check": "a notification"}
    assert cause_of(findings().loaded) == {"check": "a second read"}


ONE, TWO = {"auth_type": "oauth2"}, {"auth_type": "keybased"}
HALF_A_MINUTE = timedelta(seconds=30)
#: The connected accounts before (None: there was no row) and after, how long ago the row was verified (None: never),
#: whether the attempt wrote, and whether the read is to be made once more.
DOUBTFUL = [
    pytest.param(None, [ONE], timedelta(), False, False, id="there was no row"),
    pytest.param([ONE], [], None, False, False, id="the row was never read"),
    pytest.param([ONE], [], HALF_A_MINUTE - MICROSECOND, False, True, id="learned nearly half a minute ago"),
    pytest.param([ONE], [], HALF_A_MINUTE, False, False, id="learned half a minute ago"),
    pytest.param([], [ONE], timedelta(), False, True, id="a read alone shows one that was not there"),
    pytest.param([ONE, TWO], [ONE], timedelta(), True, False, id="a write took one away, the other was there"),
    pytest.param([ONE], [], timedelta(), True, False, id="a write took all away"),
    pytest.param([ONE], [TWO], timedelta(), True, True, id="a write took one away, and another shows"),
    pytest.param([], [ONE], timedelta(), True, True, id="something was written, and one shows that was not there"),
]


@pytest.mark.parametrize(("before", "after", "age", "has_written", "expected"), DOUBTFUL)
def test_what_a_read_says_against_what_was_just_learned_is_doubtful(
    before: Any, after: Any, age: Any, *, has_written: bool, expected: bool
) -> None:
    change = connection_change(ACCOUNT, SLUG, accounts=after)
    row = None if before is None else {"accounts": before, "verified_at": None if age is None else NOON - age}

    assert is_doubtful(change, row, has_written=has_written, now=NOON) is expected
