"""A shell and a mirror in which the documents' commands and code are run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from tests.commands import Shell
from tests.services import PostgresServer
from tests.world import World


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in an empty folder, in which nothing is set."""
    return Shell(tmp_path, {})


@pytest.fixture
def world(postgres: PostgresServer) -> Iterator[World]:
    """A mirror on PostgreSQL, where the documents' apps live too."""
    with postgres.database() as url:
        upgrade(DatabaseSettings(database_url=url))
        world = World(url)
        yield world
        world.close()
