"""A host whose clock is behind: when its row was written bounds how early a removal can have been."""

from typing import Any

import pytest

from cobalt_mirror.events.stored import Entry
from cobalt_mirror.workers.handlers.identity import PROMPT, Evidence, Judgement, is_behind_news, judge
from tests.unit.entries import MICROSECOND, at, authorized, removed
from tests.unit.handlers.links import link, stamp

#: When it was removed by the host's clock, and when the row was written by the database's.
BEHIND, WRITTEN = 0, 180
LIMIT = PROMPT.total_seconds()


def removal(*, occurred: float = BEHIND, recorded: float = WRITTEN) -> Entry:
    return removed("r", occurred, recorded_at=at(recorded))


#: When it was connected, when the row was written, the events of the host; and what becomes of it.
ROWS = [
    pytest.param(-1, WRITTEN, [], Judgement.MEANT, id="connected before, by either clock"),
    pytest.param(90, WRITTEN, [], Judgement.RENEWED, id="connected after it by the host's clock, before the row"),
    pytest.param(WRITTEN, WRITTEN, [], Judgement.RENEWED, id="connected in the moment of the row"),
    pytest.param(181, WRITTEN, [], Judgement.NEWER, id="connected after the row"),
    pytest.param(90, 30, [], Judgement.NEWER, id="connected after a row that was written early"),
    pytest.param(90, WRITTEN, [authorized("a", -60)], Judgement.RENEWED, id="authorised before, by the host's clock"),
    pytest.param(90, WRITTEN, [authorized("a", 10)], Judgement.NEWER, id="authorised after, by the host's clock"),
    pytest.param(90, LIMIT - 1, [], Judgement.RENEWED, id="the row came nearly fifteen minutes later"),
    pytest.param(90, LIMIT, [], Judgement.NEWER, id="the row came fifteen minutes later: an import"),
    pytest.param(90, -60, [], Judgement.NEWER, id="a clock that is ahead claims no more than it did"),
]


@pytest.mark.parametrize(("connected", "recorded", "authorizations", "expected"), ROWS)
def test_a_removal_means_what_was_connected_before_its_row_was_written(
    connected: float, recorded: float, authorizations: list[Entry], expected: Judgement
) -> None:
    account = link(connected)
    evidence = Evidence(
        shown=[account],
        authorizations=authorizations,
        is_account_read=True,
        created_at=account.connected_at,
    )

    assert judge(removal(recorded=recorded), account, evidence) is expected


@pytest.mark.parametrize(("notified", "expected"), [(90, Judgement.RENEWED), (181, Judgement.NEWER)])
def test_a_notification_is_news_if_it_is_of_after_the_row(notified: float, expected: Judgement) -> None:
    account = link(notified)
    evidence = Evidence(shown=[account], notified_at=[at(notified)], is_account_read=True)

    assert judge(removal(), account, evidence) is expected


@pytest.mark.parametrize(("stamped", "expected"), [(True, Judgement.NEWER), (False, Judgement.RENEWED)])
def test_of_what_the_stamp_has_a_late_row_says_nothing(stamped: bool, expected: Judgement) -> None:
    account = link(200)
    meant_for = stamp(link(-60)) if stamped else None
    late = removed("r", BEHIND, recorded_at=at(WRITTEN), meant_for=meant_for)
    evidence = Evidence(shown=[account], notified_at=[at(90)], is_account_read=True)

    assert judge(late, account, evidence) is expected


#: How many seconds after each other event of the host its row was written, and what becomes of a removal whose row was
#: written after three minutes, of what was connected in between.
OTHERS = [
    pytest.param([], Judgement.RENEWED, id="no other event"),
    pytest.param([180], Judgement.RENEWED, id="the clock is behind for another event as well"),
    pytest.param([0.1], Judgement.NEWER, id="another event came at once, so the removal was late"),
    pytest.param([180, 0.1, 300], Judgement.NEWER, id="one of them came at once"),
    pytest.param([90], Judgement.RENEWED, id="connected in the moment that is possible at the latest"),
    pytest.param([89.9], Judgement.NEWER, id="connected just after that moment"),
    pytest.param([-60], Judgement.NEWER, id="a clock that was ahead"),
]


@pytest.mark.parametrize(("others", "expected"), OTHERS)
def test_other_events_tell_a_clock_that_is_behind_from_a_late_row(others: list[float], expected: Judgement) -> None:
    account = link(90)
    events = [authorized(f"a{n}", -500, recorded_at=at(-500 + late)) for n, late in enumerate(others)]
    evidence = Evidence(shown=[account], events=events, is_account_read=True, created_at=account.connected_at)

    assert judge(removal(), account, evidence) is expected


def test_the_clock_of_another_source_is_another_clock() -> None:
    account = link(90)
    events = [authorized("a", -500, recorded_at=at(-499.9), source="another")]
    evidence = Evidence(shown=[account], events=events, is_account_read=True, created_at=account.connected_at)

    assert judge(removal(), account, evidence) is Judgement.RENEWED


#: When the connection that is shown was made, what the host and Cobalt say of a later one, and when: a removal at noon.
BEHIND_NEWS = [
    pytest.param(-60, [authorized("a", 10)], [], 20, True, id="authorised just now"),
    pytest.param(-60, [authorized("a", 10)], [], 40, False, id="authorised thirty seconds ago"),
    pytest.param(-60, [authorized("a", 10)], [], 39.9, True, id="authorised nearly thirty seconds ago"),
    pytest.param(-60, [authorized("a", -10)], [], 0, False, id="authorised before it"),
    pytest.param(-60, [], [at(10)], 20, True, id="notified just now"),
    pytest.param(-60, [], [at(10)], 40, False, id="notified thirty seconds ago"),
    pytest.param(-60, [], [at(-50)], 0, False, id="notified before it"),
    pytest.param(-60, [], [], 20, False, id="no news"),
    pytest.param(10, [authorized("a", 10)], [], 20, False, id="the later one shows"),
]


@pytest.mark.parametrize(("made", "authorizations", "notified", "now", "expected"), BEHIND_NEWS)
def test_a_read_that_does_not_show_what_the_news_says_may_be_older(
    *, made: float, authorizations: list[Entry], notified: list[Any], now: float, expected: bool
) -> None:
    account = link(made)
    evidence = Evidence(shown=[account], authorizations=authorizations, notified_at=notified)

    assert is_behind_news(removed("r", 0), account, evidence, now=at(now)) is expected


def test_the_limit_is_that_of_the_stamp() -> None:
    late = removed("r", 0, recorded_at=at(0) + PROMPT - MICROSECOND)
    account = link(1)

    assert judge(late, account, Evidence(shown=[account], is_account_read=True)) is Judgement.RENEWED
