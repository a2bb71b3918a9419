"""A connection that was not made: the reason in the server's or the driver's own words, and what to do about it."""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

from cobalt_mirror.db.errors import AccessRefused, DatabaseError, Unreachable

#: A server's answer in libpq's words: severity, colon, two spaces, message. The server may write it in any language.
_ANSWER = re.compile(r"failed: \w+:  ([^\n]+)")
#: What comes before the reason where no server answered.
_PREAMBLE = re.compile(r"^(?:connection (?:failed|is bad): )?(?:connection to server (?:at|on) .*? failed: )?")

_WAIT = "wait until it accepts connections, then try again"
_LIMIT = "run fewer processes or raise the limit of connections, then try again"
#: What to do, by the server's words; the first that matches. Words in another language get `_OTHERWISE`.
_REMEDIES = (
    (r"password authentication failed|no password supplied", "correct the user and password in DATABASE_URL"),
    (r"role .* does not exist", "create that role or correct the user in DATABASE_URL"),
    (r"database .* does not exist|no such database", "create that database or correct its name in DATABASE_URL"),
    (r"too many (?:clients|connections)|remaining connection slots|no more connections allowed", _LIMIT),
    (r"starting up|shutting down|recovery mode|not yet accepting", _WAIT),
    (r"is not currently accepting", "allow connections to that database or correct DATABASE_URL"),
    (r"not permitted to log in", "allow that role to log in or correct the user in DATABASE_URL"),
    (r"permission denied for database", "grant CONNECT on that database to the user in DATABASE_URL"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "allow the connection in the server's pg_hba.conf"),
    (r"SSL(?! SYSCALL)|certificate", "correct sslmode and the certificates in DATABASE_URL"),
)
_OTHERWISE = "correct that or DATABASE_URL, then try again"
_FULL = "free space on its disk, then try again"
_LOCKED = "a program has been writing to it for 30 s; wait or end it (`fuser` on the file names it), then try again"
#: What to do about a statement that failed, by PostgreSQL's code or SQLite's name. Others have no remedy that always
#: helps.
_STATEMENT_REMEDIES = {
    "25006": "the database is read-only: `cobalt-mirror doctor` says why",
    "42501": "grant it; docs/hosting.md has the rights of each role",
    "53100": _FULL,
    "55P03": "another transaction has locked a table: `cobalt-mirror doctor` names it",
    "57014": "it is slow or busy: `cobalt-mirror doctor` examines it",
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_SHMSIZE": _FULL,  # no room for the file beside it, with which a connection begins
}


def is_of_connecting(error: OperationalError) -> bool:
    """Return whether the error came from connecting, before any statement."""
    return error.statement is None


def connecting_failed(error: OperationalError, address: str) -> DatabaseError:
    """Return our error for one that came from connecting: `AccessRefused` if a server answered, else `Unreachable`.

    Args:
        error: The error; see `is_of_connecting`.
        address: The database's address as it may be shown: without its password.
    """
    text = str(error.orig)
    if (answer := _ANSWER.search(text)) is not None:
        return AccessRefused(f"the database at {address} refuses the connection: {answer[1]}; {find_remedy(answer[1])}")
    reason = _PREAMBLE.sub("", text, count=1).partition("\n")[0] or "no reason given"
    if address.startswith("sqlite") or isinstance(error.orig, sqlite3.Error):
        remedy = _find_statement_remedy(error) or "correct DATABASE_URL"
        return Unreachable(f"the database at {address} cannot be opened: {reason}; {remedy}")
    if (remedy := find_remedy(reason)) != _OTHERWISE:
        return AccessRefused(f"the database at {address} accepts no connection: {reason}; {remedy}")
    return Unreachable(f"no database answers at {address} ({reason}); start it or correct DATABASE_URL")


def find_remedy(words: str) -> str:
    """Return what to do about the words with which a server refuses a connection."""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, words)), _OTHERWISE)


def statement_failed(error: DBAPIError) -> str:
    """Return the first line of the driver's words for a statement that failed, and what to do if that is known."""
    words = str(error.orig).partition("\n")[0]
    remedy = _find_statement_remedy(error)
    return f"the database failed: {words}" + ("" if remedy is None else f"; {remedy}")


def _find_statement_remedy(error: DBAPIError) -> str | None:
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return _STATEMENT_REMEDIES.get(code or "")
