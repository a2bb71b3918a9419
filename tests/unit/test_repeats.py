"""What is logged of a failure that goes on: the first, and then one at growing intervals."""

import logging
from itertools import pairwise

import pytest
import redis
from sqlalchemy.exc import OperationalError

from cobalt_mirror.workers.logs import FIRST_SILENCE_SECONDS, LONGEST_SILENCE_SECONDS, RepeatFilter, Repeats

CONSUMER = "dramatiq.worker.ConsumerThread({})"
UNEXPECTED = "Consumer encountered an unexpected error."
OUT_OF_MEMORY = redis.OutOfMemoryError("OOM command not allowed")


class Clock:
    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repeats(clock: Clock) -> Repeats:
    return Repeats(monotonic=clock)


def test_a_failure_that_goes_on_for_a_day_is_logged_at_growing_intervals(repeats: Repeats, clock: Clock) -> None:
    logged = []
    for second in range(0, 86_400, 3):
        clock.seconds = 1_000.0 + second
        if repeats.count_unless_silent("Redis is away") is not None:
            logged.append(second)

    waits = [after - before for before, after in pairwise(logged)]
    assert waits[:6] == [60, 120, 240, 480, 960, 1_920]
    assert set(waits[6:]) == {int(LONGEST_SILENCE_SECONDS)}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(0, None, id="at once"),
        pytest.param(FIRST_SILENCE_SECONDS - 0.001, None, id="just before the silence ends"),
        pytest.param(FIRST_SILENCE_SECONDS, 1, id="when the silence ends"),
    ],
)
def test_the_same_failure_is_silent_for_a_while(
    repeats: Repeats, clock: Clock, after: float, expected: int | None
) -> None:
    assert repeats.count_unless_silent("Redis is away") == 0
    assert repeats.count_unless_silent("Redis is away") is None
    assert repeats.count_unless_silent("Redis is full") == 0
    clock.seconds += after

    assert repeats.count_unless_silent("Redis is away") == expected


@pytest.mark.parametrize(
    ("pause", "silence"),
    [
        pytest.param(2 * FIRST_SILENCE_SECONDS - 0.001, 2 * FIRST_SILENCE_SECONDS, id="it went on"),
        pytest.param(2 * FIRST_SILENCE_SECONDS, FIRST_SILENCE_SECONDS, id="it had ended"),
    ],
)
def test_a_failure_that_comes_again_begins_anew(repeats: Repeats, clock: Clock, pause: float, silence: float) -> None:
    repeats.count_unless_silent("Redis is away")
    clock.seconds += pause
    assert repeats.count_unless_silent("Redis is away") == 0
    clock.seconds += silence - 0.001
    assert repeats.count_unless_silent("Redis is away") is None
    clock.seconds += 0.001

    assert repeats.count_unless_silent("Redis is away") == 1


def test_no_more_kinds_are_remembered_than_fit(repeats: Repeats) -> None:
    for number in range(10_000):
        assert repeats.count_unless_silent(str(number)) == 0

    assert len(repeats._silences) <= 200


# --- dramatiq's records -----------------------------------------------------------------------------------------------


def record(
    message: str, *args: object, level: int = logging.CRITICAL, error: Exception | None = None, queue: str = "checks"
) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord(CONSUMER.format(queue), level, "", 0, message, args, exc_info)


def test_a_failure_of_redis_is_one_line_for_all_queues(repeats: Repeats, clock: Clock) -> None:
    shown, queues = RepeatFilter(repeats), ("checks", "user_deleted", "catalogue")
    records = [record(UNEXPECTED, error=OUT_OF_MEMORY, queue=queue) for queue in queues]

    assert [shown.filter(each) for each in records] == [True, False, False]
    assert (records[0].getMessage(), records[0].exc_info) == (
        f"{UNEXPECTED} OutOfMemoryError: OOM command not allowed",
        None,
    )
    clock.seconds += FIRST_SILENCE_SECONDS
    assert shown.filter(later := record(UNEXPECTED, error=OUT_OF_MEMORY))
    assert later.getMessage().endswith("OOM command not allowed (2 more like it)")


def test_another_reason_is_news(repeats: Repeats) -> None:
    shown, message = RepeatFilter(repeats), "Consumer encountered a connection error: %s"
    refused, reset = redis.ConnectionError("refused"), redis.ConnectionError("reset")

    assert [shown.filter(record(message, error)) for error in (refused, refused, reset)] == [True, False, True]


def test_a_database_that_is_away_is_one_failure_whatever_the_statement(repeats: Repeats) -> None:
    errors = [OperationalError("SELECT", {"account": each}, ConnectionError("refused")) for each in ("acme", "bob")]

    assert [RepeatFilter(repeats).filter(record("Failed", error=error)) for error in errors] == [True, False]


def test_the_traceback_of_a_bug_stays(repeats: Repeats) -> None:
    bug = record(UNEXPECTED, error=ZeroDivisionError())

    assert RepeatFilter(repeats).filter(bug)
    assert bug.exc_info is not None


@pytest.mark.parametrize(
    ("message", "level", "passes"),
    [
        pytest.param("Worker process is ready for action.", logging.INFO, [True, True], id="what is no failure"),
        pytest.param("Restarting consumer in %0.2f seconds.", logging.INFO, [False, False], id="what follows each"),
        pytest.param("Failed to process message", logging.ERROR, [True, False], id="an error"),
    ],
)
def test_only_failures_are_held_back(repeats: Repeats, message: str, level: int, passes: list[bool]) -> None:
    shown = RepeatFilter(repeats)

    assert [shown.filter(record(message, level=level)) for _ in range(2)] == passes


def test_records_of_others_are_not_touched(repeats: Repeats) -> None:
    theirs = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "failed", (), None)

    assert [RepeatFilter(repeats).filter(theirs) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("name", ["opentelemetry.exporter.otlp", "sentry_sdk.errors", "urllib3.connectionpool"])
def test_what_cannot_be_sent_to_those_who_watch_is_said_once_in_a_while(repeats: Repeats, name: str) -> None:
    shown = RepeatFilter(repeats)
    waits = [logging.LogRecord(name, logging.WARNING, "", 0, "away, again in %.2fs", (wait,), None) for wait in (1, 2)]

    assert [shown.filter(each) for each in waits] == [True, False]
