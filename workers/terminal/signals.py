"""SIGINT, SIGTERM and SIGHUP in commands that must clean up."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: A signal that comes again within so many seconds is the same request.
REPEAT_SECONDS = 5.0
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


def ignore_repeats(
    number: signal.Signals, *, within_seconds: float = REPEAT_SECONDS, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """Hand a signal that comes again soon to its present handler only once. For the main thread.

    systemd and Heroku signal every process of a service, and dramatiq's master passes the signal on, so a worker gets
    it twice within moments. dramatiq takes the second one for "end at once", and what is in hand would be lost.

    Args:
        number: The signal; its handler must be a function of ours or a library's.
        within_seconds: How long after the first one a signal is a repeat. A later one is handed on.
        monotonic: Clock, in seconds.
    """
    handler = signal.getsignal(number)
    assert callable(handler)  # noqa: S101 - neither the default nor "ignore"
    taken_at = float("-inf")

    def take(received: int, frame: FrameType | None) -> None:
        nonlocal taken_at
        is_repeat = monotonic() - taken_at < within_seconds
        if not is_repeat:
            taken_at = monotonic()  # before the call, which a repeat may interrupt
            handler(received, frame)

    signal.signal(number, take)
