"""What is asked of the event log all the time does not get slower with the finished events in it."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from db.engine import create_engine
from db.migrate import upgrade
from db.settings import DatabaseSettings
from db.work import find_due_accounts, is_anything_due

FINISHED = """
    INSERT INTO cobalt_mirror.events (type, linked_account_id, status, finished_at)
    SELECT 'user_signed_up', 'account-' || n, 'done', clock_timestamp() FROM generate_series(1, 20000) AS n
"""


def test_postgresql_finds_due_work_through_an_index_also_in_prepared_statements(postgres_url: str) -> None:
    settings = DatabaseSettings(database_url=postgres_url)
    upgrade(settings)
    engine = create_engine(settings)
    with engine.begin() as connection:
        connection.execute(text(FINISHED))
        connection.execute(text("ANALYZE cobalt_mirror.events"))
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        before = _rows_scanned(connection)
        for _ in range(20):  # the driver prepares a statement that it has seen a few times
            now = datetime.now(UTC)
            assert not is_anything_due(connection, now)
            assert not find_due_accounts(connection, now, limit=10)
        after = _rows_scanned(connection)
    engine.dispose()

    assert after == before


def _rows_scanned(connection: Connection) -> int:
    """Rows of the log read one after the other so far, by this transaction."""
    counted = text("SELECT pg_stat_get_xact_tuples_returned('cobalt_mirror.events'::regclass)")
    return int(connection.execute(counted).scalar_one())
