"""Databases that are migrated already, and the world that tests act in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from tests.database_pool import DatabasePool
from tests.services import PostgresServer
from tests.world import World


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "mirror.db"
    upgrade(DatabaseSettings(database_url=f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated PostgreSQL database, to be copied."""
    with postgres.database() as url:
        upgrade(DatabaseSettings(database_url=url))
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
def database_pool(postgres: PostgresServer, migrated_postgres: str) -> Iterator[DatabasePool]:
    """Lends migrated PostgreSQL databases."""
    with DatabasePool(postgres, template=migrated_postgres) as database_pool:
        yield database_pool


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of this test's own: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        file = tmp_path / "mirror.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
    else:
        database_pool: DatabasePool = request.getfixturevalue("database_pool")
        with database_pool.database() as url:
            yield url


@pytest.fixture
def make_world(migrated_url: str) -> Iterator[Callable[..., World]]:
    """Makes worlds on this test's database, with settings of the sandbox, and closes them."""
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(World(migrated_url, **options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with every setting as it comes."""
    return make_world()
