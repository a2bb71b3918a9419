"""Our engine: the addresses that it takes, transactions that wait instead of failing, and the clock."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import TRY_AFTER_SECONDS, create_engine, database_clock, reading, upsert
from cobalt_mirror.db.errors import NotMigrated
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.db.settings import DatabaseSettings


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_of_postgresql_may_be_written_in_any_of_the_usual_ways(postgres_url: str, scheme: str) -> None:
    url = postgres_url.replace("postgresql+psycopg://", f"{scheme}://")
    engine = create_engine(DatabaseSettings(database_url=url))

    assert engine.url.drivername == "postgresql+psycopg"
    with engine.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_a_connection_that_broke_while_nobody_used_it_is_replaced(postgres_url: str) -> None:
    engine = create_engine(DatabaseSettings(database_url=postgres_url), pool_size=1)
    other = create_engine(DatabaseSettings(database_url=postgres_url), pool_size=1)
    with engine.begin() as connection:
        before = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with other.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": before})
    time.sleep(TRY_AFTER_SECONDS)

    with engine.begin() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != before
    engine.dispose()
    other.dispose()


def test_a_transaction_of_ours_is_read_committed_whatever_the_database_makes_of_others(postgres_url: str) -> None:
    engine = create_engine(DatabaseSettings(database_url=postgres_url))
    with engine.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_isolation = serializable'))
    engine.dispose()

    with engine.begin() as connection:
        assert connection.execute(text("SHOW default_transaction_isolation")).scalar_one() == "serializable"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "read committed"
    engine.dispose()


@pytest.mark.parametrize("style", ["SQL, DMY", "German, DMY", "Postgres, MDY"])
def test_times_are_read_whatever_form_the_database_writes_them_in(postgres_url: str, style: str) -> None:
    engine = create_engine(DatabaseSettings(database_url=postgres_url))
    with engine.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"""ALTER DATABASE "{name}" SET datestyle = '{style}'"""))
    engine.dispose()

    with engine.connect() as connection:
        assert abs((datetime.now(UTC) - database_clock(connection)).total_seconds()) < 60
        connection.rollback()
        assert connection.execute(text("SHOW datestyle")).scalar_one().startswith("ISO")
    engine.dispose()


def test_the_folder_of_a_sqlite_file_is_made_when_it_is_migrated_and_not_before(tmp_path: Path) -> None:
    settings = DatabaseSettings(database_url=f"sqlite:///{tmp_path}/a/b/mirror.db")
    engine = create_engine(settings)
    with pytest.raises(NotMigrated, match="does not exist; run `cobalt-mirror migrate`"):
        check_migrated(settings)
    assert list(tmp_path.iterdir()) == []

    upgrade(settings)

    with engine.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
    engine.dispose()
    assert (tmp_path / "a" / "b" / "mirror.db").is_file()


def test_transactions_that_read_and_then_write_wait_for_each_other(engine: Engine) -> None:
    """Each adds one to what it read; the row is locked, or the whole of a SQLite file."""
    with engine.begin() as connection:
        upsert(connection, tables.state, {"key": "count", "value": 0})

    def add_one(_turn: int) -> None:
        with engine.begin() as connection:
            row = select(tables.state.c.value).where(tables.state.c.key == "count").with_for_update()
            value = connection.execute(row).scalar_one()
            upsert(connection, tables.state, {"key": "count", "value": value + 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(40)))

    with reading(engine).begin() as connection:
        assert connection.execute(select(tables.state.c.value)).scalar_one() == 40


def test_readers_do_not_wait_for_a_writer(engine: Engine) -> None:
    with engine.begin() as writer:
        upsert(writer, tables.state, {"key": "unseen", "value": 1})
        with reading(engine).begin() as reader:
            assert reader.execute(select(tables.state.c.key)).all() == []


def test_a_row_is_inserted_or_changed(engine: Engine) -> None:
    with engine.begin() as connection:
        upsert(connection, tables.state, {"key": "a", "value": 1})
        upsert(connection, tables.state, {"key": "a", "value": 2})
        assert connection.execute(select(tables.state.c.value)).scalars().all() == [2]
        upsert(connection, tables.state, {"key": "a", "value": 3}, value=4)
        assert connection.execute(select(tables.state.c.value)).scalars().all() == [4]


def test_the_clock_is_aware_and_goes_on_inside_a_transaction(engine: Engine) -> None:
    with reading(engine).begin() as connection:
        first, second = database_clock(connection), database_clock(connection)

    assert first.tzinfo is UTC
    assert first < second
    assert abs((datetime.now(UTC) - second).total_seconds()) < 60
