"""A peek finds what a look would find that came to be due since a time, and leaves its connection as it was."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select
from sqlalchemy.exc import OperationalError

from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.peek import peeking
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.tables import checks, events

SINCE = datetime.now(UTC) - timedelta(seconds=5)
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
DONE: Mapping[str, Any] = {"status": "done", "finished_at": SINCE}


def _insert_event(connection: Connection, due_at: datetime, **columns: Any) -> None:
    columns = {"due_at": due_at, **columns}
    connection.execute(insert(events).values(type="user_signed_up", linked_account_id="acme", **columns))


def _insert_check(connection: Connection, due_at: datetime) -> None:
    record_check(connection, "acme", "", due_at=due_at, reason="a notification")


def test_a_peek_finds_what_is_due_between_a_time_and_now(engine: Engine) -> None:
    cases = [
        ("due a moment before", _insert_event, SINCE - MICROSECOND, {}, False),
        ("due at the time", _insert_event, SINCE, {}, True),
        ("due by now", _insert_event, datetime.now(UTC), {}, True),
        ("due later", _insert_event, SINCE + HOUR, {}, False),
        ("done", _insert_event, SINCE, DONE, False),
        ("failed before", _insert_event, SINCE, {"retrying_since": SINCE}, True),
        ("a check a moment before", _insert_check, SINCE - MICROSECOND, {}, False),
        ("a check", _insert_check, SINCE, {}, True),
        ("a check later", _insert_check, SINCE + HOUR, {}, False),
    ]
    with peeking(engine, SINCE) as is_due:
        found = {"nothing": is_due()}
        for name, insert_row, due_at, columns, _ in cases:
            with engine.begin() as connection:
                connection.execute(delete(events))
                connection.execute(delete(checks))
                insert_row(connection, due_at, **columns)
            found[name] = is_due()

    assert found == {"nothing": False, **{name: is_found for name, _, _, _, is_found in cases}}


def test_a_peek_sees_what_is_committed_alone_and_the_connection_has_transactions_afterwards(engine: Engine) -> None:
    with engine.connect() as host, peeking(engine, SINCE) as is_due:
        _insert_event(host, SINCE)
        assert not is_due()
        host.commit()
        assert is_due()
    with engine.begin() as connection:
        connection.execute(delete(events))
        connection.rollback()
    with peeking(engine, SINCE) as is_due:
        assert is_due()


def test_a_database_that_fails_is_said_and_the_connection_replaced(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OperationalError):
        _ask_while_it_fails(engine)
    with peeking(engine, SINCE) as is_due:
        assert not is_due()
    assert caplog.records == []  # SQLAlchemy logs a traceback for a connection that breaks in its hands


def _ask_while_it_fails(engine: Engine) -> None:
    with _failing(engine) as fail, peeking(engine, SINCE) as is_due:
        assert not is_due()
        fail()
        is_due()


def test_a_peek_goes_on_after_a_rollback_with_which_the_driver_drops_what_is_prepared(engine: Engine) -> None:
    with peeking(engine, SINCE) as is_due:
        assert not is_due()
    for end in (Connection.commit, Connection.rollback):
        with engine.connect() as connection:
            for _ in range(10):  # psycopg prepares what it sees often
                connection.execute(select(events.c.id))
            end(connection)

    with peeking(engine, SINCE) as is_due:
        assert not is_due()


@contextmanager
def _failing(engine: Engine) -> Iterator[Callable[[], None]]:
    """End all connections to PostgreSQL; SQLite has none, so take a table away until the end."""

    def execute(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    if engine.dialect.name != "sqlite":
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        yield lambda: execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        return
    try:
        yield lambda: execute("ALTER TABLE events RENAME TO gone")
    finally:
        execute("ALTER TABLE gone RENAME TO events")


def test_without_prepared_statements_a_peek_finds_the_same(migrated_url: str) -> None:
    engine = create_engine(DatabaseSettings(database_url=migrated_url, database_prepared_statements=False))
    with peeking(engine, SINCE) as is_due:
        before = is_due()
        with engine.begin() as connection:
            _insert_event(connection, SINCE)
        assert (before, is_due()) == (False, True)
    engine.dispose()
