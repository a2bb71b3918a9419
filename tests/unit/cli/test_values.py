"""Times and ages that options take."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.workers.cli.replay_progress import LINE_SECONDS, lines
from cobalt_mirror.workers.cli.values import LONGEST_REASON, age, chosen_scope, moment, stated_reason


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T13:00:00+01:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_taken_with_its_offset(text: str, time: datetime) -> None:
    assert moment(text) == time


def test_an_age_is_counted_from_now() -> None:
    before = datetime.now(UTC)

    assert before <= moment("24h") + timedelta(hours=24) <= datetime.now(UTC)


@pytest.mark.parametrize(
    "text", ["", "24", "2026-01-31", "2026-01-31T12:00:00", "0001-01-01T00:00:00+14:00", "yesterday"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected an age such as 24h or 7d, or a time such as"):
        moment(text)


@pytest.mark.parametrize("text", ["x", "Slack is down", "x" * LONGEST_REASON])
def test_a_reason_is_taken_as_it_is(text: str) -> None:
    assert stated_reason(text) == text


@pytest.mark.parametrize("text", ["", " \t", "x" * (LONGEST_REASON + 1)])
def test_a_reason_is_not_blank_and_not_long(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"a reason (must not be blank|has at most 500 characters, not 501)"):
        stated_reason(text)


def test_progress_is_a_line_at_first_every_ten_seconds_and_at_the_end() -> None:
    written: list[str] = []
    seconds = iter([0.0, 0.0, LINE_SECONDS - 1, LINE_SECONDS, LINE_SECONDS, LINE_SECONDS, LINE_SECONDS])
    show = lines(written.append, monotonic=lambda: next(seconds))
    for done in (1, 2, 3, 4):
        show(done, 4)

    assert [line.split()[0] for line in written] == ["1", "3", "4"]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\udcff"])
def test_a_name_that_nothing_has_cannot_be_paused(name: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no name"):
        chosen_scope({PauseScope.ACCOUNT: name})


@pytest.mark.parametrize("text", ["", "90", "soon", "-1h", "1.5h", "100000s", "1w"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="expected a number with its unit"):
        age(text)
