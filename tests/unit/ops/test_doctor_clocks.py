"""What the examination says of clocks, on both sides of each boundary."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.db.processes import ProcessRow
from cobalt_mirror.db.statuses import ProcessKind
from cobalt_mirror.workers.ops.doctor.clocks import FAR, SKEW, judge_clock, judge_machines
from cobalt_mirror.workers.ops.doctor.cobalt_api import ask_again, read_date
from cobalt_mirror.workers.ops.doctor.finding import Finding, fine, warning
from tests.unit.ops.test_actions import MICROSECOND, NOON, process
from tests.unit.ops.test_doctor import troubles

BEFORE, AFTER = NOON, NOON + timedelta(seconds=1)
AGE = timedelta(seconds=3)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param(NOON, None, id="the same"),
        pytest.param(BEFORE - SKEW, None, id="as far behind as may be"),
        pytest.param(BEFORE - SKEW - MICROSECOND, "the clock of Redis is 2.0 s behind this machine's", id="behind"),
        pytest.param(AFTER + SKEW, None, id="as far ahead as may be"),
        pytest.param(AFTER + SKEW + MICROSECOND, "the clock of Redis is 2.0 s ahead of this machine's", id="ahead"),
    ],
)
def test_a_clock_is_judged(there: Any, expected: str | None) -> None:
    found = troubles(judge_clock("Redis", there, before=BEFORE, after=AFTER))

    assert found == ([] if expected is None else [("warning", expected)])


@pytest.mark.parametrize(
    ("there", "is_fine"),
    [
        (BEFORE - SKEW - AGE, True),
        (BEFORE - SKEW - AGE - MICROSECOND, False),
        (AFTER + SKEW, True),
        (AFTER + SKEW + MICROSECOND, False),
    ],
)
def test_a_time_that_may_be_old_is_behind_only_by_more_than_that(there: Any, *, is_fine: bool) -> None:
    found = troubles(judge_clock("Cobalt", there, before=BEFORE, after=AFTER, age=AGE))

    assert (found == []) is is_fine


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Tue, 07 Nov 2023 08:03:27 GMT", datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
        ("Tue, 07 Nov 2023 08:03:27 -0000", datetime(2023, 11, 7, 8, 3, 27, tzinfo=UTC)),
        ("Tue, 07 Nov 2023 08:03:27 +99999999999999", None),
        ("Tue, 07 Nov 2023 08:03:27 +9999", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_that_is_no_time_counts_as_none(text: str, time: datetime | None) -> None:
    assert read_date(text) == time


LATE, RIGHT = warning("clocks", "late", "synchronise it"), fine("clocks", "right")


@pytest.mark.parametrize(
    ("answers", "found", "asked"),
    [
        ([[RIGHT], [LATE], [LATE]], [RIGHT], 1),
        ([[LATE], [RIGHT], [LATE]], [RIGHT], 2),
        ([[LATE], [LATE], [RIGHT]], [RIGHT], 3),
        ([[LATE], [LATE], [LATE], [RIGHT]], [LATE], 3),
        ([[], [LATE], [LATE]], [], 1),
    ],
)
def test_a_server_is_asked_three_times_before_its_clock_is_late(
    answers: list[list[Finding]], found: list[Finding], asked: int
) -> None:
    waiting = iter(answers)

    assert ask_again(lambda: next(waiting), tries=3) == found
    assert len(list(waiting)) == len(answers) - asked


def beat(skew: timedelta | None, *, host: str = "h1", pid: int = 12) -> ProcessRow:
    """A worker whose machine's clock is so far ahead of the database's."""
    row = process(ProcessKind.WORKER, host=host, pid=pid)
    return replace(row, local_at=None if skew is None else row.seen_at + skew)


@pytest.mark.parametrize(
    ("skew", "expected"),
    [
        pytest.param(None, None, id="of an older release"),
        pytest.param(timedelta(), None, id="the same"),
        pytest.param(SKEW, None, id="as far ahead as may be"),
        pytest.param(SKEW + MICROSECOND, ("warning", "2.0 s ahead of"), id="ahead"),
        pytest.param(-SKEW, None, id="as far behind as may be"),
        pytest.param(-SKEW - MICROSECOND, ("warning", "2.0 s behind"), id="behind"),
        pytest.param(FAR, ("warning", "300.0 s ahead of"), id="as far as an event's time may be"),
        pytest.param(FAR + MICROSECOND, ("broken", "300.0 s ahead of"), id="too far"),
        pytest.param(-FAR - MICROSECOND, ("broken", "300.0 s behind"), id="too far behind"),
    ],
)
def test_the_clock_of_a_machine_is_judged(skew: timedelta | None, expected: tuple[str, str] | None) -> None:
    found = troubles(judge_machines([beat(skew), beat(timedelta(), host="h2")], NOON))

    if expected is None:
        assert found == []
    else:
        assert found == [(expected[0], f"the clock of h1 (worker 12) is {expected[1]} the database's")]


def test_a_machine_is_named_once_with_its_processes_and_those_that_ended_do_not_count() -> None:
    off = [beat(timedelta(seconds=-9), pid=1), beat(-FAR * 2, pid=2), beat(timedelta(hours=1), host="h0")]
    ended = replace(beat(timedelta(hours=1), host="gone"), ended_at=NOON)

    assert troubles(judge_machines([*off, ended], NOON)) == [
        ("broken", "the clock of h0 (worker 12) is 3,600.0 s ahead of the database's"),
        ("broken", "the clock of h1 (worker 1, worker 2) is 600.0 s behind the database's"),
    ]
    assert list(judge_machines([ended], NOON)) == []
