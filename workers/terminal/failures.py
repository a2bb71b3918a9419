"""The errors that are not bugs, and one sentence for each."""

import redis
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from cobalt_mirror.cobalt import CobaltError
from cobalt_mirror.db.errors import DatabaseError
from cobalt_mirror.db.refusals import connecting_failed, is_of_connecting
from cobalt_mirror.events import EventError
from cobalt_mirror.workers.errors import WorkersError

#: The roots of all errors that are not bugs.
EXPECTED_ERRORS = (CobaltError, DatabaseError, EventError, WorkersError, OSError, SQLAlchemyError, redis.RedisError)


def describe(error: BaseException) -> str:
    """Return the error as one sentence on one line."""
    match error:
        case OperationalError() if is_of_connecting(error):
            text = str(connecting_failed(error, "DATABASE_URL"))
        case DBAPIError():
            text = f"the database failed: {error.orig}"
        case redis.RedisError():
            text = f"Redis failed: {error}"
        case OSError(filename=str(name)):
            text = f"{name}: {error.strerror}"
        case _:
            text = str(error) or type(error).__name__
    return " ".join(text.split())
