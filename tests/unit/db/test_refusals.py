"""What a server says when it refuses a connection, and what we make of it; `FATAL:` and two spaces are libpq's form."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from cobalt_mirror.db.errors import AccessRefused, DatabaseError, Unreachable
from cobalt_mirror.db.refusals import connecting_failed
from cobalt_mirror.workers.terminal.failures import describe

ADDRESS = "postgresql+psycopg://us:***@db/mirror"
AT = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '
LIMIT = "run fewer processes or raise the limit of connections, then try again"
WAIT = "wait until it accepts connections, then try again"
OTHERWISE = "correct that or DATABASE_URL, then try again"


FULL = "free space on its disk, then try again"
LOCKED = "a program has been writing to it for 30 s; wait or end it (`fuser` on the file names it), then try again"


class Refused(psycopg.Error):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("it failed\nHINT:  Look.")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "words"),
    [
        ("25006", "the database failed: it failed; the database is read-only: `cobalt-mirror doctor` says why"),
        ("42501", "the database failed: it failed; grant it; docs/hosting.md has the rights of each role"),
        ("53100", "the database failed: it failed; free space on its disk, then try again"),
        (
            "55P03",
            "the database failed: it failed; another transaction has locked a table: `cobalt-mirror doctor` names it",
        ),
        ("57014", "the database failed: it failed; it is slow or busy: `cobalt-mirror doctor` examines it"),
        ("22012", "the database failed: it failed"),
    ],
)
def test_a_statement_that_failed_has_one_line_and_its_remedy(sqlstate: str, words: str) -> None:
    assert describe(DBAPIError("SELECT 1", None, Refused(sqlstate))) == words


def failed(words: str, address: str = ADDRESS) -> DatabaseError:
    return connecting_failed(OperationalError(None, None, psycopg.OperationalError(words)), address)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ('password authentication failed for user "us"', "correct the user and password in DATABASE_URL"),
        ('role "us" does not exist', "create that role or correct the user in DATABASE_URL"),
        ('database "mirror" does not exist', "create that database or correct its name in DATABASE_URL"),
        ("no such database: mirror", "create that database or correct its name in DATABASE_URL"),
        ("sorry, too many clients already", LIMIT),
        ('too many connections for role "us"', LIMIT),
        ('too many connections for database "mirror"', LIMIT),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", LIMIT),
        ("no more connections allowed (max_client_conn)", LIMIT),
        ("the database system is starting up", WAIT),
        ("the database system is shutting down", WAIT),
        ("the database system is in recovery mode", WAIT),
        ("the database system is not yet accepting connections", WAIT),
        (
            'database "mirror" is not currently accepting connections',
            "allow connections to that database or correct DATABASE_URL",
        ),
        ('role "us" is not permitted to log in', "allow that role to log in or correct the user in DATABASE_URL"),
        (
            'permission denied for database "mirror"',
            "grant CONNECT on that database to the user in DATABASE_URL",
        ),
        (
            'no pg_hba.conf entry for host "10.0.0.2", user "us", database "mirror", no encryption',
            "allow the connection in the server's pg_hba.conf",
        ),
        ("something that no release of today says", OTHERWISE),
    ],
)
def test_a_refusal_has_the_servers_words_and_a_remedy(words: str, remedy: str) -> None:
    error = failed(f"{AT}FATAL:  {words}")

    assert isinstance(error, AccessRefused)
    assert str(error) == f"the database at {ADDRESS} refuses the connection: {words}; {remedy}"


def test_a_refusal_in_another_language_is_one_too() -> None:
    error = failed(f"{AT}ВАЖНО:  роль не существует")

    assert str(error) == f"the database at {ADDRESS} refuses the connection: роль не существует; {OTHERWISE}"


def test_of_several_servers_the_one_that_answers_is_heard() -> None:
    error = failed(
        f"{AT}Connection refused\n\tIs the server running?\nMultiple connection attempts failed. All failures were:\n"
        f"- host: 'a': {AT}Connection refused\n- host: 'b': {AT}FATAL:  the database system is starting up\n"
    )

    assert str(error).endswith(f"refuses the connection: the database system is starting up; {WAIT}")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (f"{AT}Connection refused\n\tIs the server running on that host?", "Connection refused"),
        (
            'connection is bad: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory',
            "No such file or directory",
        ),
        ("failed to resolve host 'db': [Errno -2] Name or service not known",) * 2,
        ("connection timeout expired",) * 2,
        (f"{AT}SSL SYSCALL error: EOF detected", "SSL SYSCALL error: EOF detected"),
        (f"{AT}server closed the connection unexpectedly\n\tThis probably means", "server closed the connection un"),
        ("", "no reason given"),
    ],
)
def test_where_no_server_answers_the_reason_is_told(words: str, reason: str) -> None:
    error = failed(words)

    assert isinstance(error, Unreachable)
    assert str(error).startswith(f"no database answers at {ADDRESS} ({reason}")
    assert str(error).endswith("); start it or correct DATABASE_URL")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("fe_sendauth: no password supplied", "correct the user and password in DATABASE_URL"),
        ("server does not support SSL, but SSL was required", "correct sslmode and the certificates in DATABASE_URL"),
        ("SSL error: certificate verify failed", "correct sslmode and the certificates in DATABASE_URL"),
    ],
)
def test_what_the_driver_refuses_has_its_remedy_too(words: str, remedy: str) -> None:
    error = failed(f"{AT}{words}")

    assert isinstance(error, AccessRefused)
    assert str(error) == f"the database at {ADDRESS} accepts no connection: {words}; {remedy}"


def test_a_file_is_not_to_be_started() -> None:
    error = failed("unable to open database file", address="sqlite:///mirror.db")

    assert isinstance(error, Unreachable)
    assert str(error) == (
        "the database at sqlite:///mirror.db cannot be opened: unable to open database file; correct DATABASE_URL"
    )


@pytest.mark.parametrize(
    ("name", "words", "remedy"),
    [
        ("SQLITE_FULL", "database or disk is full", FULL),
        ("SQLITE_IOERR_SHMSIZE", "disk I/O error", FULL),
        ("SQLITE_BUSY", "database is locked", LOCKED),
        ("SQLITE_CANTOPEN", "unable to open database file", "correct DATABASE_URL"),
    ],
)
def test_a_file_that_is_full_or_locked_has_its_remedy_also_while_it_is_opened(
    name: str, words: str, remedy: str
) -> None:
    failure = sqlite3.OperationalError(words)
    failure.sqlite_errorname = name

    said = describe(OperationalError(None, None, failure))

    assert said == f"the database at DATABASE_URL cannot be opened: {words}; {remedy}"


@pytest.mark.parametrize(
    ("name", "words", "remedy"),
    [("SQLITE_FULL", "database or disk is full", FULL), ("SQLITE_BUSY", "database is locked", LOCKED)],
)
def test_a_statement_that_a_file_has_no_room_or_time_for_has_its_remedy(name: str, words: str, remedy: str) -> None:
    failure = sqlite3.OperationalError(words)
    failure.sqlite_errorname = name

    assert describe(OperationalError("BEGIN IMMEDIATE", None, failure)) == f"the database failed: {words}; {remedy}"


def test_a_file_that_another_program_writes_to_is_locked_and_named_so_by_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "mirror.db"
    with closing(sqlite3.connect(file)) as first, closing(sqlite3.connect(file, timeout=0)) as second:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as raised:
            second.execute("BEGIN IMMEDIATE")

    assert describe(OperationalError("BEGIN IMMEDIATE", None, raised.value)).endswith(f"locked; {LOCKED}")


def test_a_command_that_loses_its_connection_later_says_the_same() -> None:
    later = OperationalError(None, None, psycopg.OperationalError(f"{AT}FATAL:  sorry, too many clients already"))

    assert describe(later) == (
        f"the database at DATABASE_URL refuses the connection: sorry, too many clients already; {LIMIT}"
    )
