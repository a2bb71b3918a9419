"""From which due time on a look of the relay searches, and when everything is looked at again."""

from datetime import UTC, datetime, timedelta

import pytest

from cobalt_mirror.db.host_columns import EARLIEST
from cobalt_mirror.workers.horizon import MARGIN, Horizon

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


def test_the_first_look_is_at_everything() -> None:
    assert Horizon().since(0.0) is None


#: What a look at everything found due first, and from when on the next look searches.
FOUND = [
    pytest.param(None, NOW - MARGIN, id="nothing: all that is due from now on"),
    pytest.param(NOW, NOW - MARGIN, id="something that is due right now"),
    pytest.param(NOW - HOUR, NOW - HOUR - MARGIN, id="what waits for an hour is found again"),
    pytest.param(EARLIEST + MARGIN, EARLIEST, id="the earliest time that can be read"),
    pytest.param(EARLIEST + MARGIN - MICROSECOND, None, id="what is earlier is no bound"),
    pytest.param(EARLIEST - HOUR, None, id="what cannot be read is no bound"),
]


@pytest.mark.parametrize(("earliest", "since"), FOUND)
def test_a_look_begins_where_the_one_before_it_found_something(
    earliest: datetime | None, since: datetime | None
) -> None:
    horizon = Horizon()
    horizon.looked(earliest=earliest, now=NOW, began=0.0, ended=1.0, is_whole=True)

    assert horizon.since(1.0) == since


#: How long a look at everything took, and how long it is until the next one, in seconds.
WAITS = [(0.0, 0.0), (0.0003, 0.015), (0.2, 10.0), (1.1, 55.0), (1.2, 60.0), (1.3, 60.0), (300.0, 60.0)]


@pytest.mark.parametrize(("took", "wait"), WAITS)
def test_everything_is_looked_at_again_in_proportion_to_what_that_costs(took: float, wait: float) -> None:
    horizon = Horizon()
    horizon.looked(earliest=None, now=NOW, began=100.0, ended=100.0 + took, is_whole=True)

    assert horizon.since(100.0 + took + wait + 0.001) is None
    assert wait == 0 or horizon.since(100.0 + took + wait - 0.001) == NOW - MARGIN


def test_looks_from_the_horizon_on_do_not_put_off_the_look_at_everything() -> None:
    horizon = Horizon()
    horizon.looked(earliest=None, now=NOW, began=0.0, ended=1.0, is_whole=True)
    for second in range(2, 51):
        assert horizon.since(float(second)) is not None
        horizon.looked(earliest=None, now=NOW + HOUR, began=second, ended=second + 0.5, is_whole=False)

    assert horizon.since(51.0) is None


def test_the_horizon_goes_back_to_what_a_look_found_before_it() -> None:
    horizon = Horizon()
    horizon.looked(earliest=None, now=NOW, began=0.0, ended=1.0, is_whole=True)
    horizon.looked(earliest=NOW - HOUR, now=NOW, began=51.0, ended=52.0, is_whole=True)

    assert horizon.since(53.0) == NOW - HOUR - MARGIN


def test_a_clock_that_is_set_back_takes_the_horizon_along() -> None:
    horizon = Horizon()
    horizon.looked(earliest=None, now=NOW, began=0.0, ended=1.0, is_whole=True)
    horizon.looked(earliest=None, now=NOW - HOUR, began=2.0, ended=2.5, is_whole=False)

    assert horizon.since(3.0) == NOW - HOUR - MARGIN
