"""A shell to type commands into, with and without a mirror behind it."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings
from tests.commands import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell in which nothing is set."""
    return Shell(tmp_path, {})


@pytest.fixture
def mirror(tmp_path: Path, migrated_sqlite: Path) -> Shell:
    """A shell with a migrated, empty mirror."""
    file = tmp_path / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    return Shell(tmp_path, {"DATABASE_URL": f"sqlite:///{file}"})


@pytest.fixture
def engine(mirror: Shell) -> Engine:
    """The mirror's database."""
    return create_engine(DatabaseSettings(database_url=mirror.variables["DATABASE_URL"]))
