"""When what Cobalt does not show is looked at again, when that is believed, and when it looks like an outage."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.db.denials import Denial
from cobalt_mirror.db.statuses import Move, Unseen
from cobalt_mirror.workers.handlers.authorizing import NOT_SHOWN
from cobalt_mirror.workers.handlers.looking import (
    FRESH,
    LOOKS,
    SETTLED,
    believe_application_gone,
    is_outage,
    look_later,
    next_look,
    not_yet,
)
from cobalt_mirror.workers.outcomes import Outcome, Verdict
from tests.unit.entries import MICROSECOND, NOON, at, authorized

GONE = NOT_SHOWN
AS_BEFORE = Outcome(verdict=Verdict.SNOOZE, detail="Cobalt does not show the connection yet")


def again(seconds: float) -> Outcome:
    return Outcome(
        verdict=Verdict.SNOOZE,
        delay=timedelta(seconds=seconds),
        looked=True,
        detail="Cobalt does not show the connection yet",
    )


STALE = NOON + FRESH
STALE_FOR = timedelta(minutes=4)
#: How often it was looked at, when it is due, the time, and what becomes of it. It was recorded at noon.
LOOKED = [
    pytest.param(0, None, NOON, again(2), id="at once"),
    pytest.param(1, None, at(2), again(3), id="the second look"),
    pytest.param(2, None, at(5), again(10), id="the last look"),
    pytest.param(3, None, at(15), GONE, id="after the last look"),
    pytest.param(4, None, at(15), GONE, id="after more looks than there are"),
    pytest.param(0, None, STALE - MICROSECOND, again(2), id="just fresh"),
    pytest.param(0, None, STALE, GONE, id="thirty seconds old"),
    pytest.param(0, None, STALE + MICROSECOND, GONE, id="older"),
    pytest.param(2, None, STALE - MICROSECOND, again(10), id="just fresh, and there is one look left"),
    pytest.param(2, None, STALE, GONE, id="thirty seconds old, and there would be one look left"),
    pytest.param(0, at(5), at(5) - MICROSECOND, AS_BEFORE, id="just before it is due"),
    pytest.param(0, at(5), at(5), again(2), id="when it is due"),
    pytest.param(0, at(5), at(5) + MICROSECOND, again(2), id="just after it was due"),
    pytest.param(3, at(5), at(4), AS_BEFORE, id="before it is due, after the last look"),
    pytest.param(3, at(5), at(5), GONE, id="when it is due, after the last look"),
    pytest.param(0, at(60), STALE - MICROSECOND, AS_BEFORE, id="long before it is due, and fresh"),
    pytest.param(0, at(60), STALE, GONE, id="long before it is due, and thirty seconds old"),
]


@pytest.mark.parametrize(("looks", "due_at", "now", "expected"), LOOKED)
def test_an_authorisation_that_does_not_show_is_looked_at_again_a_few_times(
    looks: int, due_at: Any, now: Any, expected: Outcome
) -> None:
    event = authorized("a", looks=looks, due_at=due_at, recorded_at=NOON).logged

    assert not_yet(event, now, at_last=GONE) == expected


#: How often each of two was looked at, when they are due (None: now), and what becomes of them at noon.
TOGETHER = [
    pytest.param((0, None), (0, None), (2, 2), id="both for the first time"),
    pytest.param((2, None), (0, None), (10, 2), id="each by its own looks"),
    pytest.param((2, at(5)), (0, None), (None, 2), id="one waits for its look already"),
    pytest.param((3, at(5)), (0, None), (None, 2), id="one waits for what it is after its last look"),
    pytest.param((3, None), (0, None), None, id="one was looked at often enough"),
    pytest.param((0, None), (4, None), None, id="the other was"),
]


@pytest.mark.parametrize(("one", "other", "expected"), TOGETHER)
def test_what_comes_together_is_put_off_one_by_one_until_one_was_looked_at_often_enough(
    one: Any, other: Any, expected: Any
) -> None:
    events = [
        authorized(id_, looks=looks, due_at=due_at, recorded_at=NOON - STALE_FOR).logged
        for id_, (looks, due_at) in zip("ab", (one, other), strict=True)
    ]
    later = look_later(events, NOON, detail="why")

    if expected is None:
        assert later is None
    else:
        assert later is not None
        assert {outcome.detail for outcome in later.values()} == {"why"}
        assert [outcome.looked for outcome in later.values()] == [seconds is not None for seconds in expected]
        delays = [outcome.delay and outcome.delay.total_seconds() for outcome in later.values()]
        assert delays == list(expected)


def test_it_is_its_row_that_is_young_not_what_it_tells_of() -> None:
    event = authorized("a", -3_600, recorded_at=NOON).logged

    assert not_yet(event, NOON, at_last=GONE) == again(2)


def test_the_looks_are_over_while_an_authorisation_is_fresh() -> None:
    assert LOOKS == (2.0, 3.0, 10.0)
    assert timedelta(seconds=sum(LOOKS)) < FRESH == timedelta(seconds=30)


def test_an_event_that_is_never_believed_for_its_age_is_looked_at_as_often_as_a_fresh_one() -> None:
    event = authorized("a", recorded_at=NOON).logged

    assert not_yet(event, at(3_600), at_last=GONE, fresh=timedelta.max) == again(2)


#: How many seconds after the first answer that denied it, and for how many more to wait; None: it is believed.
DENIED = [
    pytest.param(0, 2, id="at once"),
    pytest.param(1.5, 0.5, id="before the second look"),
    pytest.param(2, 3, id="the second look"),
    pytest.param(4, 1, id="before the third look"),
    pytest.param(5, 10, id="the third look"),
    pytest.param(14.5, 0.5, id="before the last look"),
    pytest.param(15, None, id="the last look"),
    pytest.param(16, None, id="later"),
]


@pytest.mark.parametrize(("age", "wait"), DENIED)
def test_what_was_denied_is_believed_after_fifteen_seconds(age: float, wait: float | None) -> None:
    assert next_look(NOON, at(age)) == (None if wait is None else timedelta(seconds=wait))


def test_the_looks_and_the_time_until_answers_have_settled_agree() -> None:
    assert timedelta(seconds=sum(LOOKS)) == SETTLED


#: How many accounts are denied, of how many, which share may be gone at once, and whether that looks like an outage.
OUTAGES = [
    pytest.param(1, 1, 0.05, False, id="the only one"),
    pytest.param(2, 2, 0.05, False, id="two, which is all"),
    pytest.param(3, 3, 0.05, True, id="three, which is all"),
    pytest.param(3, 60, 0.05, False, id="three, which is the share exactly"),
    pytest.param(3, 59, 0.05, True, id="three, which is more than the share"),
    pytest.param(51, 1_000, 0.05, True, id="many"),
    pytest.param(50, 1_000, 0.05, False, id="many, which is the share exactly"),
    pytest.param(3, 3, 1, False, id="all, and all may be gone"),
]


@pytest.mark.parametrize(("denied", "accounts", "share", "expected"), OUTAGES)
def test_many_accounts_that_are_denied_at_once_look_like_an_outage(
    *, denied: int, accounts: int, share: float, expected: bool
) -> None:
    assert is_outage(Denial(since=NOON, denied=denied, accounts=accounts), share) is expected


def test_an_application_that_is_denied_and_shown_is_tried_again_as_after_an_outage() -> None:
    dead = Outcome(verdict=Verdict.DEAD, detail="404", move=Move.OPERATOR, unseen=Unseen.APPLICATION)

    assert believe_application_gone(dead, is_shown=False) is dead
    shown = believe_application_gone(dead, is_shown=True)
    assert (shown.verdict, shown.move, shown.unseen) == (Verdict.RETRY, Move.PROVIDER, Unseen.APPLICATION)
    assert shown.detail == "Cobalt shows this application in one answer, and denies it in another: 404"
