"""One sentence for each error, also for those that are bugs."""

import sys
import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

from cobalt_mirror.db.refusals import connecting_failed, is_of_connecting, statement_failed

#: The modules whose errors are not bugs.
COBALT, DATABASE, EVENTS, WORKERS = (f"cobalt_mirror.{name}.errors" for name in ("cobalt", "db", "events", "workers"))
_REDIS = "redis"
#: The root of the errors of each. A module that is not loaded has raised nothing, and loading it would take time.
_ROOTS = {
    COBALT: "CobaltError",
    DATABASE: "DatabaseError",
    EVENTS: "EventError",
    WORKERS: "WorkersError",
    _REDIS: "RedisError",
    "sqlalchemy.exc": "SQLAlchemyError",
}
#: How much of a bug's own words is shown, in characters.
_LONGEST = 300


def is_expected(error: BaseException) -> bool:
    """Return whether an error is no bug of ours."""
    return isinstance(error, OSError) or comes_from(error, *_ROOTS)


def comes_from(error: BaseException, *modules: str) -> bool:
    """Return whether an error is one of these modules', which are named above."""
    loaded = [(sys.modules[module], _ROOTS[module]) for module in modules if module in sys.modules]
    return any(isinstance(error, getattr(module, root)) for module, root in loaded)


def describe(error: BaseException, *, newer_schema: str | None = None) -> str:
    """Return the error as one sentence on one line.

    Args:
        error: The error.
        newer_schema: The version of the database's schema, if this release does not know it: a likely cause.
    """
    text = _describe(error) if is_expected(error) else _describe_bug(error)
    if newer_schema is not None:
        text += (
            f"; the database is at version {newer_schema}, which this release does not know, so install the newer "
            "release that migrated it"
        )
    return " ".join(text.split())


def _describe_bug(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    words = str(error)[:_LONGEST] or "no words"
    return (
        f"an unexpected error, {type(error).__name__}: {words}{where}; run it again with LOG_LEVEL=debug for the "
        "traceback, and report it"
    )


def _describe(error: BaseException) -> str:
    match error:
        case OperationalError() if is_of_connecting(error):
            return str(connecting_failed(error, "DATABASE_URL"))
        case DBAPIError():
            return statement_failed(error)
        case _ if comes_from(error, _REDIS):
            return f"Redis failed: {error}"
        case OSError(filename=str(name)):
            return f"{name}: {error.strerror}"
        case _:
            return str(error) or type(error).__name__
