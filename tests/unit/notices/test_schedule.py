"""What comes of an attempt: when the next one is, when a notice is given up, and what disables an endpoint."""

from datetime import timedelta
from typing import Any

import pytest

from cobalt_mirror.db.statuses import NoticeStatus, ReceiverKind
from cobalt_mirror.workers.notices.schedule import (
    SILENT_FOR,
    WAITS,
    Answer,
    Conclusion,
    Ending,
    conclude,
    read_retry_after,
)
from tests.unit.notices.rows import NOON

DAY = 86_400.0
LAST = len(WAITS) + 1
TAKEN, FAILED, UNANSWERED, GONE = (Answer(ending=ending) for ending in Ending)
LATE = Answer(ending=Ending.FAILED, retry_after_seconds=60)
MICROSECOND = timedelta(microseconds=1)


def after(answer: Answer, **changes: Any) -> Conclusion:
    usual = {"attempts": 1, "told_before": False, "kind": ReceiverKind.ENDPOINT, "delivered_at": None}
    return conclude(answer, **{**usual, "now": NOON, "chance": lambda: 0.5, **changes})


def again(seconds: float, *, told: bool = False) -> Conclusion:
    return Conclusion(status=NoticeStatus.PENDING, due_at=NOON + timedelta(seconds=seconds), told=told)


def given_up(*, told: bool = False, disables: bool = False) -> Conclusion:
    return Conclusion(status=NoticeStatus.FAILED, due_at=None, told=told, disables=disables)


DELIVERED = Conclusion(status=NoticeStatus.DELIVERED, due_at=None, told=True)
RECENTLY, LONG_AGO = {"delivered_at": NOON - SILENT_FOR + MICROSECOND}, {"delivered_at": NOON - SILENT_FOR}
ROWS: list[tuple[str, Answer, dict[str, Any], Conclusion]] = [
    ("it was taken", TAKEN, {}, DELIVERED),
    ("it was taken at the last attempt", TAKEN, {"attempts": LAST}, DELIVERED),
    ("the first attempt failed", FAILED, {}, again(5)),
    ("the second", FAILED, {"attempts": 2}, again(300)),
    ("the last but one", FAILED, {"attempts": LAST - 1}, again(DAY)),
    ("the last one", FAILED, {"attempts": LAST}, given_up(disables=True)),
    ("the last one, and others were taken meanwhile", FAILED, {"attempts": LAST, **RECENTLY}, given_up()),
    ("the last one, and none for three days", FAILED, {"attempts": LAST, **LONG_AGO}, given_up(disables=True)),
    ("the last one, of a handler", FAILED, {"attempts": LAST, "kind": ReceiverKind.HANDLER}, given_up()),
    ("no answer: it may have been taken", UNANSWERED, {}, again(5, told=True)),
    ("no answer to the last one", UNANSWERED, {"attempts": LAST}, given_up(told=True, disables=True)),
    ("it was refused, and an earlier one may have been taken", FAILED, {"told_before": True}, again(5, told=True)),
    ("it asks for more time", LATE, {}, again(60)),
    ("it asks for less time", LATE, {"attempts": 2}, again(300)),
    ("it asks for more than a day", Answer(ending=Ending.FAILED, retry_after_seconds=1e9), {}, again(DAY)),
    ("more time does not make it more attempts", LATE, {"attempts": LAST, **RECENTLY}, given_up()),
    ("it wants nothing any more", GONE, RECENTLY, given_up(disables=True)),
    ("sooner, by chance", FAILED, {"attempts": 2, "chance": lambda: 0.0}, again(270)),
    ("later, by chance", FAILED, {"attempts": 2, "chance": lambda: 1.0}, again(330)),
]


@pytest.mark.parametrize(("answer", "changes", "conclusion"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_comes_of_an_attempt(answer: Answer, changes: dict[str, Any], conclusion: Conclusion) -> None:
    assert after(answer, **changes) == conclusion


def test_attempts_go_on_for_three_days() -> None:
    assert sum(WAITS) == pytest.approx(75 * 3_600, abs=1 * 3_600)
    assert list(WAITS) == sorted(WAITS)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("inf", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Fri, 01 May 2026 12:01:00 GMT", 60.0),
        ("Fri, 01 May 2026 11:59:00 GMT", 0.0),
        ("Fri, 01 May 2026 12:01:00 -0000", 60.0),
        ("Fri, 01 May 2026 12:01:00 +99999999999999999999", None),
        ("Fri, 01 May 99999 12:01:00 GMT", None),
    ],
)
def test_a_header_says_when_to_come_again(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, now=NOON) == seconds
