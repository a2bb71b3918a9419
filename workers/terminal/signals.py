"""SIGINT, SIGTERM and SIGHUP in commands that must clean up."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def exit_on_signal() -> Iterator[None]:
    """Raise SystemExit with 128 plus the signal's number on the first of these signals; ignore further ones.

    So every `finally` inside runs once and undisturbed, even if Ctrl-C is pressed twice.
    """

    def end(number: int, _: FrameType | None) -> None:
        for ending in _ENDING:
            # Not SIG_IGN: Python prints an error for a signal that is on its way when that is set.
            signal.signal(ending, _ignore)
        raise SystemExit(128 + number)

    with _handled_by(end):
        yield


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Ignore a further signal."""


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on each of these signals; the code inside then ends by itself."""
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
