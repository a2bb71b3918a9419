"""A host's own database with our tables in it: its engine is its own, and so are its transactions."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, create_engine

from cobalt_mirror.db.settings import DatabaseSettings
from tests.database_pool import DatabasePool
from tests.integration.events.rows import Log
from tests.world import TEST_KEY


@pytest.fixture
def settings(migrated_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=migrated_url, mirror_secret_keys=TEST_KEY)


@pytest.fixture
def keyless(migrated_url: str) -> DatabaseSettings:
    return DatabaseSettings(database_url=migrated_url, mirror_secret_keys="")


@pytest.fixture
def host(migrated_url: str) -> Iterator[Engine]:
    """The host's engine, made by the host: nothing of ours is in it."""
    engine = create_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def log(settings: DatabaseSettings) -> Iterator[Log]:
    """What is stored."""
    with Log(settings) as log:
        yield log


@pytest.fixture
def postgres_migrated_url(database_pool: DatabasePool) -> Iterator[str]:
    """A migrated PostgreSQL database, for what SQLite has none of."""
    with database_pool.database() as url:
        yield url


@pytest.fixture
def make_host(postgres_migrated_url: str) -> Iterator[Callable[..., Engine]]:
    """Makes engines of hosts on PostgreSQL."""
    made: list[Engine] = []

    def make(**options: object) -> Engine:
        made.append(create_engine(postgres_migrated_url, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()
