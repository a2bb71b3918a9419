"""A database from the pool is empty and unchanged."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.database_pool import DatabasePool
from tests.services import PostgresServer

INSERT = """
    INSERT INTO cobalt_mirror.history (recorded_at, what, changes, because) VALUES (now(), 'account', '{}', '{}')
    RETURNING number
"""


@pytest.fixture
def database_pool(postgres: PostgresServer, migrated_postgres: str) -> Iterator[DatabasePool]:
    """With no database yet."""
    with DatabasePool(postgres, template=migrated_postgres) as database_pool:
        yield database_pool


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def test_it_is_empty_and_nobody_is_connected(database_pool: DatabasePool) -> None:
    numbers = []
    with database_pool.database() as first:
        forgotten = connect(first)
        numbers.append(forgotten.execute(INSERT).fetchone())
    with database_pool.database() as second, connect(second) as connection:
        assert connection.execute("SELECT count(*) FROM cobalt_mirror.history").fetchone() == (0,)
        numbers.append(connection.execute(INSERT).fetchone())

    assert second == first
    assert numbers == [(1,), (1,)]
    with pytest.raises(psycopg.OperationalError):
        forgotten.execute("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE public.users (id integer)",
        "ALTER TABLE cobalt_mirror.events ADD COLUMN surprise text",
        "ALTER TABLE cobalt_mirror.events ALTER COLUMN attempts SET DEFAULT 7",
        "ALTER TABLE cobalt_mirror.events DISABLE TRIGGER stamp_removal",
        "DROP INDEX cobalt_mirror.ix_events_due",
        "GRANT SELECT ON cobalt_mirror.events TO public",
    ],
)
def test_one_in_which_more_than_rows_was_changed_is_not_used_again(database_pool: DatabasePool, change: str) -> None:
    with database_pool.database() as first, connect(first) as connection:
        connection.execute(change.encode())
    with database_pool.database() as second:
        pass

    assert second != first
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(first)


def test_two_users_at_once_get_two(database_pool: DatabasePool) -> None:
    with database_pool.database() as one, database_pool.database() as other:
        assert one != other
