"""What may go wrong without being a bug, and the one sentence for it."""

import redis
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cobalt_mirror.cobalt import CobaltError
from cobalt_mirror.db.errors import DatabaseError
from cobalt_mirror.events import EventError
from cobalt_mirror.workers.embedded import RedisNotStarted
from cobalt_mirror.workers.processes import ReleaseFailed
from cobalt_mirror.workers.procfile import ProcfileError


class NotReady(Exception):
    """A command cannot do its work as things are. The text says what is wrong and how to mend it."""


FORESEEN = (
    CobaltError,
    DatabaseError,
    EventError,
    NotReady,
    OSError,
    ProcfileError,
    RedisNotStarted,
    ReleaseFailed,
    SQLAlchemyError,
    redis.RedisError,
)


def describe(error: BaseException) -> str:
    """The error as one sentence on one line."""
    match error:
        case DBAPIError():
            told = f"the database failed: {error.orig}"
        case redis.RedisError():
            told = f"Redis failed: {error}"
        case OSError(filename=str(name)):
            told = f"{name}: {error.strerror}"
        case _:
            told = str(error) or type(error).__name__
    return " ".join(told.split())
