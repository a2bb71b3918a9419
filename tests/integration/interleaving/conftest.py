"""A world on SQLite that does not wait for the disk, kept for all examples of a module."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.world import World


@pytest.fixture(scope="module")
def clean_world(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[World]:
    """A world that each example empties first."""
    file = tmp_path_factory.mktemp("stage") / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    world = World(f"sqlite:///{file}", is_durable=False)
    # No actor stops inside a transaction, so none ever waits for one.
    event.listen(world.engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=0"))
    yield world
    world.close()
