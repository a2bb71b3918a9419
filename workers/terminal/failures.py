"""The errors that are not bugs, and one sentence for each."""

import sys

from sqlalchemy.exc import DBAPIError, OperationalError

from cobalt_mirror.db.refusals import connecting_failed, is_of_connecting

#: The roots of all errors that are not bugs, by module. One that is not loaded has raised nothing.
_ROOTS = {
    "cobalt_mirror.cobalt.errors": "CobaltError",
    "cobalt_mirror.db.errors": "DatabaseError",
    "cobalt_mirror.events.errors": "EventError",
    "cobalt_mirror.workers.errors": "WorkersError",
    "redis": "RedisError",
    "sqlalchemy.exc": "SQLAlchemyError",
}


def is_expected(error: BaseException) -> bool:
    """Return whether an error is not a bug."""
    return isinstance(error, OSError) or any(_comes_from(error, module) for module in _ROOTS)


def describe(error: BaseException) -> str:
    """Return the error as one sentence on one line."""
    match error:
        case OperationalError() if is_of_connecting(error):
            text = str(connecting_failed(error, "DATABASE_URL"))
        case DBAPIError():
            text = f"the database failed: {error.orig}"
        case _ if _comes_from(error, "redis"):
            text = f"Redis failed: {error}"
        case OSError(filename=str(name)):
            text = f"{name}: {error.strerror}"
        case _:
            text = str(error) or type(error).__name__
    return " ".join(text.split())


def _comes_from(error: BaseException, module: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, _ROOTS[module]))
