"""What SIGINT, SIGTERM and SIGHUP do to a command that has something to put away."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Inside, the first of these signals raises SystemExit with 128 plus its number; further ones are ignored.

    So every `finally` is run, once and undisturbed, also for an impatient second Ctrl-C.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in _ENDING:
            # Not SIG_IGN: Python prints a complaint about a signal that is on its way when that is set.
            signal.signal(each, _ignore)
        raise SystemExit(128 + number)

    with _handled_by(end):
        yield


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """A further signal changes nothing."""


@contextmanager
def told_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, these signals call `stop`, and whoever is running ends by itself."""
    with _handled_by(lambda _number, _frame: stop()):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _ENDING}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
