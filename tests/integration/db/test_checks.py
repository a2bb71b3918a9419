"""A check remembers from one look to the next which configs did not show, and since when."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from cobalt_mirror.db.checks import (
    Check,
    find_check,
    finish_check,
    look_again,
    postpone_check,
    put_off_check,
    record_check,
)
from cobalt_mirror.db.rows import ConfigKey

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=15)
SUBJECT = ("acme", "slack")
ABSENT = {ConfigKey('a", "b'): NOW, ConfigKey("a", "one"): NOW + timedelta(microseconds=1)}


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction in which a check has looked and did not see two configs."""
    with engine.connect() as connection:
        record_check(connection, *SUBJECT, due_at=NOW, reason="a notification")
        look_again(connection, *SUBJECT, due_at=LATER, absent=ABSENT)
        yield connection


def found(connection: Connection) -> Check:
    check = find_check(connection, *SUBJECT)
    assert check is not None
    return check


def test_it_remembers_each_config_and_since_when_and_says_so_in_words(connection: Connection) -> None:
    check = found(connection)
    assert (check.absent, check.due_at, check.looks) == (ABSENT, LATER, 1)
    assert check.last_error == 'Cobalt does not show these configs: a", "b, a/one'


def fail(connection: Connection) -> None:
    postpone_check(connection, *SUBJECT, due_at=LATER, error="502")


def pause(connection: Connection) -> None:
    put_off_check(connection, *SUBJECT, due_at=LATER, reason="paused")


def ask(connection: Connection) -> None:
    record_check(connection, *SUBJECT, due_at=NOW, reason="another notification", at_once=True)


def see(connection: Connection) -> None:
    look_again(connection, *SUBJECT, due_at=LATER, absent={})


def finish_and_read_later(connection: Connection) -> None:
    record_check(connection, *SUBJECT, due_at=LATER + timedelta(seconds=60), reason="a doubt")
    finish_check(connection, *SUBJECT, read_since=LATER)


#: What happens to the check, whether it remembers, and what it says.
AFTERWARDS = [
    pytest.param(fail, False, "502", id="a read that failed saw nothing"),
    pytest.param(pause, True, "paused", id="nothing was read in a pause"),
    pytest.param(ask, True, 'Cobalt does not show these configs: a", "b, a/one', id="one more reason to look"),
    pytest.param(see, False, None, id="the next look shows all"),
    pytest.param(finish_and_read_later, False, None, id="it is done, and has another time"),
]


@pytest.mark.parametrize(("happens", "is_kept", "said"), AFTERWARDS)
def test_what_it_remembers_afterwards(
    connection: Connection, happens: Callable[[Connection], None], *, is_kept: bool, said: str | None
) -> None:
    happens(connection)
    check = found(connection)
    assert (check.absent, check.last_error) == (ABSENT if is_kept else {}, said)
