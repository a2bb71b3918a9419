"""What a pause stops, and for how long: the whole decision, without a database."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.db.pauses import PAUSED, Pause
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.events import EventType
from cobalt_mirror.workers.handlers.pausing import LOOK_AGAIN, find_pause, hold_back
from cobalt_mirror.workers.outcomes import Verdict
from tests.unit.entries import ACCOUNT, MICROSECOND, NOON, SLUG, at, logged


def pause(scope: PauseScope, name: str | None = None, *, until: float | None = None) -> Pause:
    end = None if until is None else at(until)
    return Pause(scope=scope, name=name, since=NOON, until=end, why=None, by="olga")


EVERYTHING, RECONCILIATION = pause(PauseScope.EVERYTHING), pause(PauseScope.RECONCILIATION)
TYPE = pause(PauseScope.TYPE, EventType.CONFIG_CHANGED)
APPLICATION, ACCOUNT_PAUSE = pause(PauseScope.APPLICATION, SLUG), pause(PauseScope.ACCOUNT, ACCOUNT)
DELETIONS = pause(PauseScope.TYPE, EventType.USER_DELETED)

SCOPES = (EVERYTHING, RECONCILIATION, TYPE, APPLICATION, ACCOUNT_PAUSE)
#: What is paused, the application ("" is the account itself), the type (None is a reread), and whether it waits.
STOPPED = [
    pytest.param(EVERYTHING, SLUG, "config_changed", True, id="everything, a change"),
    pytest.param(EVERYTHING, "", "user_signed_up", True, id="everything, a sign-up"),
    pytest.param(EVERYTHING, SLUG, None, True, id="everything, a reread"),
    pytest.param(EVERYTHING, "", "user_deleted", False, id="everything, a deletion"),
    pytest.param(TYPE, SLUG, "config_changed", True, id="a type, an event of it"),
    pytest.param(TYPE, SLUG, "config_removed", False, id="a type, an event of another"),
    pytest.param(TYPE, SLUG, None, False, id="a type, a reread"),
    pytest.param(DELETIONS, "", "user_deleted", True, id="deletions by name"),
    pytest.param(APPLICATION, SLUG, "connection_removed", True, id="an application, an event of it"),
    pytest.param(APPLICATION, SLUG, None, True, id="an application, a reread of it"),
    pytest.param(APPLICATION, "slack", "connection_removed", False, id="an application, an event of another"),
    pytest.param(APPLICATION, "", "user_signed_up", False, id="an application, a sign-up"),
    pytest.param(ACCOUNT_PAUSE, SLUG, "config_changed", True, id="an account, a change of its"),
    pytest.param(ACCOUNT_PAUSE, "", None, True, id="an account, its own reread"),
    pytest.param(ACCOUNT_PAUSE, "", "user_deleted", False, id="an account, its deletion"),
    pytest.param(pause(PauseScope.ACCOUNT, "other"), SLUG, "config_changed", False, id="another account"),
    pytest.param(RECONCILIATION, SLUG, None, False, id="the reconciliation, a reread"),
    pytest.param(
        pause(PauseScope.TYPE, SLUG), SLUG, "config_changed", False, id="a type that has an application's name"
    ),
]


@pytest.mark.parametrize(("paused", "slug", "type_", "waits"), STOPPED)
def test_a_pause_stops_what_it_names(paused: Pause, slug: str, type_: str | None, waits: bool) -> None:
    assert find_pause([paused], account_id=ACCOUNT, slug=slug, type_=type_) is (paused if waits else None)


def test_no_scope_is_missing_from_the_table() -> None:
    paused = [parameters.values[0] for parameters in STOPPED]

    assert {pause.scope for pause in SCOPES if pause in paused} == set(PauseScope)


SHORT, LONG = pause(PauseScope.APPLICATION, SLUG, until=60), pause(PauseScope.EVERYTHING, until=61)


@pytest.mark.parametrize(
    ("pauses", "longest"),
    [
        pytest.param([], None, id="none"),
        pytest.param([SHORT, LONG], LONG, id="of two with an end, the later one"),
        pytest.param([LONG, SHORT], LONG, id="in whatever order"),
        pytest.param([LONG, APPLICATION, SHORT], APPLICATION, id="one without an end"),
        pytest.param([pause(PauseScope.APPLICATION, "slack"), SHORT], SHORT, id="only of those that stop it"),
    ],
)
def test_of_several_pauses_the_longest_counts(pauses: list[Pause], longest: Pause | None) -> None:
    assert find_pause(pauses, account_id=ACCOUNT, slug=SLUG, type_="config_changed") is longest


@pytest.mark.parametrize(
    ("until", "now", "is_in_force"),
    [
        pytest.param(None, 10**9, True, id="without an end"),
        pytest.param(60, 59.999999, True, id="just before its end"),
        pytest.param(60, 60, False, id="at its end"),
    ],
)
def test_a_pause_ends_by_itself(until: float | None, now: float, is_in_force: bool) -> None:
    assert pause(PauseScope.EVERYTHING, until=until).is_in_force(at(now)) is is_in_force


#: When the event is due, until when its application is paused, and how long it waits; None: it keeps its time.
WAITS = [
    pytest.param(at(0), 60, timedelta(seconds=60), id="due, until the end"),
    pytest.param(None, 60, timedelta(seconds=60), id="due since ever"),
    pytest.param(at(0), LOOK_AGAIN.total_seconds(), LOOK_AGAIN, id="due, until in an hour"),
    pytest.param(at(0), LOOK_AGAIN.total_seconds() + 1, LOOK_AGAIN, id="due, until later"),
    pytest.param(at(0), None, LOOK_AGAIN, id="due, without an end"),
    pytest.param(NOON + MICROSECOND, 60, None, id="not due yet"),
]


@pytest.mark.parametrize(("due_at", "until", "waits"), WAITS)
def test_what_is_due_waits_for_the_end(due_at: Any, until: float | None, waits: timedelta | None) -> None:
    row = logged("config_changed", "1", due_at=due_at)
    paused = pause(PauseScope.APPLICATION, SLUG, until=until)

    going, held = hold_back([row], [paused], NOON)

    assert going == []
    assert [outcome.delay for _, outcome in held] == ([] if waits is None else [waits])
    assert all(outcome.verdict is Verdict.SNOOZE for _, outcome in held)
    assert all((outcome.detail or "").startswith(f"{PAUSED}application {SLUG} until") for _, outcome in held)


def test_what_is_done_and_what_is_not_paused_go_on() -> None:
    done, removal = logged("config_changed", "1", status="done"), logged("config_removed", "2", due_at=NOON)
    change = logged("config_changed", "3", due_at=NOON)

    going, held = hold_back([done, removal, change], [TYPE], NOON)

    assert going == [done, removal]
    assert [row for row, _ in held] == [change]


@pytest.mark.parametrize("due_at", [NOON, at(1)])
def test_what_comes_after_a_paused_deletion_waits_with_it(due_at: Any) -> None:
    before, deletion = logged("user_signed_up", "1", 1, due_at=NOON), logged("user_deleted", "2", 2, due_at=due_at)
    after = logged("user_signed_up", "3", 3, due_at=NOON)

    going, held = hold_back([before, deletion, after], [DELETIONS], NOON)

    assert going == [before]
    assert [row for row, _ in held] == ([deletion, after] if due_at == NOON else [after])
    assert {outcome.detail for _, outcome in held} == {f"{PAUSED}{DELETIONS.described()}"}


def test_what_comes_after_a_deletion_that_goes_on_does_not_wait() -> None:
    rows = [logged("user_deleted", "2", 2, due_at=NOON), logged("user_signed_up", "3", 3, due_at=NOON)]

    assert hold_back(rows, [TYPE], NOON) == (rows, [])
