"""What is asked of the event log all the time does not get slower with the events in it, finished or waiting."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from cobalt_mirror.db.due import find_due_accounts, find_earliest_due
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.outcomes import done, record_outcomes
from cobalt_mirror.db.peek import query_for
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.subject import get_background
from tests.services import PostgresServer

FINISHED = """
    INSERT INTO cobalt_mirror.events (type, linked_account_id, status, finished_at)
    SELECT 'user_signed_up', 'account-' || n, 'done', clock_timestamp() FROM generate_series(1, 20000) AS n
"""


WAITING = """
    INSERT INTO cobalt_mirror.events (source, id, type, linked_account_id, due_at)
    SELECT 'host', 'waiting-' || n, 'user_signed_up', 'account-' || n, clock_timestamp() + interval '1 hour'
    FROM generate_series(1, 1000) AS n
"""


@pytest.fixture
def full_log(postgres: PostgresServer, migrated_postgres: str) -> Iterator[Connection]:
    """PostgreSQL, which last counted when nothing was pending, and plans without looking at parameters."""
    with postgres.database(template=migrated_postgres) as url:
        engine = create_engine(DatabaseSettings(database_url=url))
        with engine.begin() as connection:
            connection.execute(text(FINISHED))
            connection.execute(text("ANALYZE cobalt_mirror.events"))
            connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
            yield connection
        engine.dispose()


def test_postgresql_finds_due_work_through_an_index_also_in_prepared_statements(full_log: Connection) -> None:
    before = _rows_read(full_log, "events")
    for _ in range(20):  # the driver prepares a statement that it has seen a few times
        now = datetime.now(UTC)
        assert not find_earliest_due(full_log, now)
        assert not find_due_accounts(full_log, now, limit=10)

    assert _rows_read(full_log, "events") == before


def test_an_outcome_is_written_without_reading_what_else_waits(full_log: Connection) -> None:
    full_log.execute(text(WAITING))
    before = _rows_read(full_log, "ix_events_due", "ix_events_unfinished")
    for number in range(20, 40):
        [event] = get_background(full_log, f"account-{number}", "").events[-1:]
        record_outcomes(full_log, [done(event, at=datetime.now(UTC))])

    finished = text("SELECT count(*) FROM cobalt_mirror.events WHERE id LIKE 'waiting-%' AND status = 'done'")
    assert full_log.execute(finished).scalar_one() == 20
    assert _rows_read(full_log, "ix_events_due", "ix_events_unfinished") - before < 100


def test_whether_anything_is_due_is_the_first_entry_of_an_index(full_log: Connection) -> None:
    full_log.execute(text(WAITING))
    peek = query_for("postgresql", "cobalt_mirror")
    before = _rows_read(full_log, "events", "ix_events_due", "ix_events_unfinished")
    for _ in range(20):
        now = datetime.now(UTC)
        assert not find_earliest_due(full_log, now)
        assert not full_log.exec_driver_sql(peek, (now - timedelta(seconds=5),)).scalar_one()  # reads none

    assert _rows_read(full_log, "events", "ix_events_due", "ix_events_unfinished") - before <= 20


def _rows_read(connection: Connection, *names: str) -> int:
    """Rows of tables read one after the other, and entries of indices, so far by this transaction."""
    counted = text("SELECT pg_stat_get_xact_tuples_returned(CAST('cobalt_mirror.' || :name AS regclass))")
    return sum(int(connection.execute(counted, {"name": name}).scalar_one()) for name in names)
