"""Which tens of seconds are the last minute: those that are over, and no other."""

import pytest

from cobalt_mirror.workers.limit_use import steps_before

MINUTES = [
    (60.0, [0, 1, 2, 3, 4, 5]),
    (69.999999, [0, 1, 2, 3, 4, 5]),
    (70.0, [1, 2, 3, 4, 5, 6]),
    (59.999999, [-1, 0, 1, 2, 3, 4]),
]


@pytest.mark.parametrize(("now", "steps"), MINUTES)
def test_the_last_minute_ends_with_the_last_ten_seconds_that_are_over(now: float, steps: list[int]) -> None:
    assert steps_before(now) == steps
