"""Logging of our processes: one event name with fields a line, to standard error; JSON unless that is a terminal."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cobalt_mirror.cobalt.forks import ForkSafeLock
from cobalt_mirror.workers.log_format import LogFormat

#: How long the same failure is not logged again, in seconds: at first, and at most. It doubles each time.
FIRST_SILENCE_SECONDS, LONGEST_SILENCE_SECONDS = 60.0, 3_600.0
#: So many different failures are remembered.
_MOST_KINDS = 200


@dataclass(slots=True)
class _Silence:
    ends: float
    seconds: float
    number: int = 0


class Repeats:
    """Tell which failures are news: the first of a kind, and then one after a minute, two, four … at most an hour.

    Safe to share between threads.

    Args:
        monotonic: Clock, in seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._silences: dict[str, _Silence] = {}
        self._lock = ForkSafeLock()

    def count_unless_silent(self, kind: str) -> int | None:
        """Return how many failures of this kind were held back before this one; None if this one is held back, too."""
        now = self._monotonic()
        with self._lock:
            silence = self._silences.get(kind)
            if silence is not None and now < silence.ends:
                silence.number += 1
                return None
            if len(self._silences) >= _MOST_KINDS:
                self._silences.clear()
            # What did not happen for as long again as it was not logged has ended, and begins anew.
            goes_on = silence is not None and now < silence.ends + silence.seconds
            seconds = (
                min(2 * silence.seconds, LONGEST_SILENCE_SECONDS)
                if silence is not None and goes_on
                else FIRST_SILENCE_SECONDS
            )
            self._silences[kind] = _Silence(ends=now + seconds, seconds=seconds)
            return 0 if silence is None else silence.number


#: Libraries that log a failure again and again: dramatiq for each queue every three seconds, and those that send
#: traces and errors, while nothing answers where they send them.
_REPEATING = ("dramatiq", "opentelemetry", "sentry_sdk", "urllib3")


class RepeatFilter(logging.Filter):
    """Hold back repeated failures in the logs of libraries. A failure of Redis is one line, without a traceback."""

    def __init__(self, repeats: Repeats | None = None) -> None:
        super().__init__()
        self._repeats = Repeats() if repeats is None else repeats

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record; say in it how many were held back."""
        text = str(record.msg)
        if not record.name.startswith(_REPEATING):
            return True
        if record.levelno < logging.WARNING:
            return not text.startswith("Restarting consumer")  # which follows each failure
        error = record.exc_info[1] if record.exc_info else _error_in(record.args)
        words = getattr(error, "orig", None) or error  # SQLAlchemy adds the statement, which names the account
        number = self._repeats.count_unless_silent(f"{text} {type(error).__name__} {words}")
        if number is None:
            return False
        if record.exc_info and _is_of_redis(error):
            record.msg, record.args, record.exc_info = f"{text} {type(error).__name__}: {error}", (), None
        if number:
            record.msg, record.args = f"{record.getMessage()} ({number} more like it)", ()
        return True


def _is_of_redis(error: object) -> bool:
    redis = sys.modules.get("redis")  # loaded already if the error is one of its own
    return redis is not None and isinstance(error, redis.RedisError)


def _error_in(args: object) -> Exception | None:
    values = args if isinstance(args, tuple) else ()
    return next((value for value in values if isinstance(value, Exception)), None)


def configure(level: str, format_: LogFormat = LogFormat.AUTO) -> None:
    """Set up logging for this process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format_: in which form lines are written.
    """
    number = logging.getLevelName(level.upper())
    is_terminal = sys.stderr.isatty()
    is_readable = is_terminal if format_ is LogFormat.AUTO else format_ is LogFormat.CONSOLE
    renderer = structlog.dev.ConsoleRenderer(colors=is_terminal) if is_readable else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(name)s: %(message)s")
    repeats = RepeatFilter()
    for handler in logging.getLogger().handlers:
        handler.addFilter(repeats)
