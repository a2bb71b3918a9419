from datetime import timedelta

from cobalt_mirror.workers.local.supervisor import Backoff

BACKOFF = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=5))


def test_delays_double_up_to_the_longest() -> None:
    delays: list[timedelta] = []
    for _ in range(5):
        delays.append(BACKOFF.after(delays[-1] if delays else None, ran_for=timedelta(0)))

    assert [delay.total_seconds() for delay in delays] == [1, 2, 4, 5, 5]


def test_a_process_that_ran_long_enough_gets_a_fresh_start() -> None:
    delay = timedelta(seconds=4)

    assert BACKOFF.after(delay, ran_for=timedelta(seconds=4.9)) == BACKOFF.longest
    assert BACKOFF.after(delay, ran_for=timedelta(seconds=5)) == BACKOFF.first
