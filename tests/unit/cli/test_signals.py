"""A signal that is sent to every process, and passed on by one of them, arrives twice and means one request."""

import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from cobalt_mirror.workers.terminal.signals import ignore_repeats


@pytest.fixture
def received() -> Iterator[list[int]]:
    """What the handler of SIGUSR1 got; the handler is the one of before afterwards."""
    taken: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        taken.append(number)

    before = signal.signal(signal.SIGUSR1, note)
    yield taken
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    ("times", "handed_on"),
    [([0.0], 1), ([0.0, 0.0], 1), ([0.0, 4.9], 1), ([0.0, 5.0], 2), ([0.0, 4.9, 5.1], 2), ([0.0, 5.0, 9.9, 10.0], 3)],
)
def test_repeats_within_five_seconds_are_one_request(received: list[int], times: list[float], handed_on: int) -> None:
    now = 0.0
    ignore_repeats(signal.SIGUSR1, monotonic=lambda: now)

    for now in times:  # noqa: B007 - the clock reads it
        os.kill(os.getpid(), signal.SIGUSR1)

    assert received == [signal.SIGUSR1] * handed_on


def test_a_repeat_that_interrupts_the_handler_is_ignored_too() -> None:
    taken: list[int] = []

    def interrupted(number: int, _frame: FrameType | None) -> None:
        if not taken:
            taken.append(number)
            os.kill(os.getpid(), signal.SIGUSR1)
        else:
            taken.append(number)

    before = signal.signal(signal.SIGUSR1, interrupted)
    try:
        ignore_repeats(signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert taken == [signal.SIGUSR1]
