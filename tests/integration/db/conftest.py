"""A migrated database and our own engine for it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.settings import DatabaseSettings


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = create_engine(DatabaseSettings(database_url=migrated_url))
    yield engine
    engine.dispose()
