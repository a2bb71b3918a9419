"""Whether a database can be written to, found out without a row that anybody has to remove."""

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

_DISK_FULL = "53100"
_IS_READ_ONLY = text(
    "SELECT pg_is_in_recovery() AS is_replica, current_setting('transaction_read_only') = 'on' AS is_set"
)
# More rows than fit into so little memory go into a temporary file of about a megabyte in the tablespace, gone with the
# statement. That needs no right, leaves no dead row, and takes some ten milliseconds.
_LITTLE_MEMORY = text("SELECT set_config('work_mem', '64kB', true)")
_MANY_ROWS = text("SELECT count(*) FROM generate_series(1, 50000)")


def find_write_failure(engine: Engine) -> str | None:
    """Return why a PostgreSQL database takes no writes, and what to do; None if it does. SQLite is not examined.

    A full disk shows here first: heartbeats and small changes still find room in pages that are there.
    """
    if engine.dialect.name == "sqlite":
        return None
    try:
        with engine.begin() as connection:
            mode = connection.execute(_IS_READ_ONLY).one()
            if (failure := judge_mode(is_replica=mode.is_replica, is_set=mode.is_set)) is None:
                connection.execute(_LITTLE_MEMORY)
                connection.execute(_MANY_ROWS)
            return failure
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _DISK_FULL:
            words = str(error.orig).partition("\n")[0]
            return f"the database's disk is full ({words}); free space there, then all goes on by itself"
        return None  # such as a limit for temporary files: that says nothing about writes


def judge_mode(*, is_replica: bool, is_set: bool) -> str | None:
    """Return why a database that is not written to is so, and what to do; None if it may be written to.

    Args:
        is_replica: whether it follows another one.
        is_set: whether transactions are read-only.
    """
    if is_replica:
        return "the database is a replica, which takes no writes; set DATABASE_URL to the primary"
    if is_set:
        return (
            "the database is read-only (default_transaction_read_only is on), as some providers make it when the disk "
            "is nearly full; free space, then set it to off"
        )
    return None
