"""How long a process that ended stays down: twice as long each time, up to the longest; a long run starts afresh."""

from datetime import timedelta

import pytest

from cobalt_mirror.workers.local.supervisor import Backoff

BACKOFF = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=5))

#: The delay before the run that ended, how long that ran, and the next delay, all in seconds.
ROWS = [
    pytest.param(None, 0, 1, id="the first run ended at once"),
    pytest.param(None, 4.999999, 1, id="the first run was short"),
    pytest.param(None, 5, 1, id="the first run was long"),
    pytest.param(1, 0, 2, id="the second run ended at once"),
    pytest.param(2, 0, 4, id="the third"),
    pytest.param(2.4, 0, 4.8, id="just under the longest"),
    pytest.param(2.5, 0, 5, id="the longest exactly"),
    pytest.param(2.6, 0, 5, id="it would be more than the longest"),
    pytest.param(4, 0, 5, id="the fourth"),
    pytest.param(5, 0, 5, id="the longest stays"),
    pytest.param(4, 4.999999, 5, id="it ran a microsecond less than the longest delay"),
    pytest.param(4, 5, 1, id="it ran as long as the longest delay"),
    pytest.param(4, 5.000001, 1, id="it ran a microsecond more than that"),
    pytest.param(5, 3_600, 1, id="it ran for an hour"),
]


@pytest.mark.parametrize(("delay", "ran_for", "expected"), ROWS)
def test_delays_double_up_to_the_longest_and_a_long_run_starts_afresh(
    delay: float | None, ran_for: float, expected: float
) -> None:
    before = None if delay is None else timedelta(seconds=delay)

    assert BACKOFF.after(before, ran_for=timedelta(seconds=ran_for)) == timedelta(seconds=expected)


def test_a_process_that_always_ends_at_once_is_down_for_longer_and_longer() -> None:
    delays: list[timedelta] = []
    for _ in range(8):
        delays.append(Backoff().after(delays[-1] if delays else None, ran_for=timedelta(0)))

    assert [delay.total_seconds() for delay in delays] == [0.5, 1, 2, 4, 8, 16, 30, 30]
