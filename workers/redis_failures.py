"""What is wrong with a Redis, and what to do: one pair of sentences for each kind of failure."""

import re
from dataclasses import dataclass

import redis

#: What redis-py puts before the server's own words where a command was one of several.
_OF_SEVERAL = re.compile(r"^Command # \d+ \(.*?\) of pipeline caused error: |^Error running script .*?: -(?=[A-Z])")

_RIGHTS = (
    "give it the keys of our namespace and the commands: ACL SETUSER ... ~cobalt-mirror:* +@all -@admin -@dangerous"
)


@dataclass(frozen=True, slots=True)
class RedisFailure:
    """A failure of Redis.

    Attributes:
        answers: whether a Redis answered at all.
        text: what it does not do, to be said after "the Redis at ...".
        remedy: what to do.
    """

    answers: bool
    text: str
    remedy: str


def explain_failure(error: Exception) -> RedisFailure:
    """Return what an error of redis-py means."""
    words = _OF_SEVERAL.sub("", str(error), count=1)
    if isinstance(error, redis.ResponseError) and not isinstance(error, redis.exceptions.NoPermissionError):
        return _refused(words)
    match error:
        case redis.exceptions.NoPermissionError():
            return RedisFailure(True, f"does not let its user do what we need ({words})", _RIGHTS)
        case redis.AuthenticationError():
            return RedisFailure(True, f"refuses the login ({words})", "correct user and password in REDIS_URL")
        case redis.BusyLoadingError():
            return RedisFailure(True, f"still loads its data ({words})", "wait until it has")
        case _:
            return RedisFailure(False, f"does not answer ({words})", "start it or correct REDIS_URL")


def _refused(words: str) -> RedisFailure:
    """Return what an answer means that is an error; a script's has no class of its own."""
    if re.search(r"\bread only replica|\bREADONLY\b", words):
        return RedisFailure(True, f"takes no writes ({words})", "set REDIS_URL to its primary")
    if re.search(r"\bmaxmemory\b|\bOOM\b", words):
        remedy = "raise its maxmemory, or find what fills it"
        return RedisFailure(True, f"takes no writes, as its memory is full ({words})", remedy)
    return RedisFailure(True, f"refuses a command ({words})", "correct that, or set REDIS_URL to another one")
