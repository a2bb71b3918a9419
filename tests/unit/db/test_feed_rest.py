"""For how long a process leaves the change feed alone after it has given positions."""

import pytest

from cobalt_mirror.db.feed import BATCH, LONGEST_SECONDS, SHARE, rest_after


@pytest.mark.parametrize(
    ("number", "took", "rest"),
    [
        pytest.param(0, 0.0, 0.0, id="nothing was there, and it took no time"),
        pytest.param(0, 0.1, 0.1 * SHARE, id="to find nothing took long"),
        pytest.param(BATCH - 1, 0.1, 0.1 * SHARE, id="nothing is left"),
        pytest.param(BATCH, 0.1, 0.0, id="there may be more"),
        pytest.param(0, LONGEST_SECONDS / SHARE, LONGEST_SECONDS, id="as long as it rests at most"),
        pytest.param(0, 60.0, LONGEST_SECONDS, id="no longer than that"),
    ],
)
def test_a_rest_is_in_proportion_to_the_work(number: int, took: float, rest: float) -> None:
    assert rest_after(number, took=took) == pytest.approx(rest)
