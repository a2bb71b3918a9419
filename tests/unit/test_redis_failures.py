"""What an error of redis-py means: a row for each kind, as the servers and the client word it."""

import pytest
import redis

from cobalt_mirror.workers.redis_failures import explain_failure

ROWS: list[tuple[Exception, str, str]] = [
    (redis.ConnectionError("Error 111"), "does not answer (Error 111)", "start it or correct REDIS_URL"),
    (redis.TimeoutError("Timeout"), "does not answer (Timeout)", "start it or correct REDIS_URL"),
    (ValueError("Port could not be cast"), "does not answer (Port", "start it or correct REDIS_URL"),
    (redis.AuthenticationError("invalid"), "refuses the login (invalid)", "correct user and password in REDIS_URL"),
    (
        redis.exceptions.NoPermissionError("no permissions to run 'set'"),
        "does not let its user do what we need (no permissions",
        "give it the keys of our namespace and the commands",
    ),
    (redis.BusyLoadingError("loading"), "still loads its data (loading)", "wait until it has"),
    (
        redis.ReadOnlyError(
            "Command # 1 (ZADD a 1 b) of pipeline caused error: You can't write against a read only replica."
        ),
        "takes no writes (You can't write against a read only replica.)",
        "set REDIS_URL to its primary",
    ),
    (
        redis.ResponseError(
            "Error running script (call to f_a2): @user_script:1: @user_script: 1: -READONLY You can't."
        ),
        "takes no writes (READONLY You can't.)",
        "set REDIS_URL to its primary",
    ),
    (
        redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        "takes no writes, as its memory is full (command",
        "raise its maxmemory",
    ),
    (redis.ResponseError("MASTERDOWN Link"), "refuses a command (MASTERDOWN Link)", "correct that, or set REDIS_URL"),
]


@pytest.mark.parametrize(("error", "text", "remedy"), ROWS)
def test_an_error_is_a_sentence_and_a_remedy(error: Exception, text: str, remedy: str) -> None:
    failure = explain_failure(error)

    assert failure.text.startswith(text)
    assert failure.remedy.startswith(remedy)
    assert failure.answers is not text.startswith("does not answer")
