"""A world on SQLite, kept for all examples of a module."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.offboarding.customer import settle_customer
from tests.world import World


@pytest.fixture
def make_world(make_world: Callable[..., World]) -> Callable[..., World]:
    """Makes worlds whose mirror knows the applications."""

    def make(**options: Any) -> World:
        world = make_world(**options)
        world.fill_catalogue()
        return world

    return make


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[World]:
    """A world that each example sweeps clean."""
    file = tmp_path_factory.mktemp("stage") / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    world = World(f"sqlite:///{file}")
    yield world
    world.close()


@pytest.fixture
def ada(world: World) -> World:
    """A world with one customer of whom every table holds something personal."""
    return settle_customer(world)
