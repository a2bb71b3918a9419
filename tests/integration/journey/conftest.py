"""Stages for stories: a world on SQLite, kept for all examples of a module."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.journey.customers import ACCOUNT, Customer
from tests.integration.journey.stories import Stage
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
def make_stage(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[Callable[[dict[str, Any]], Stage]]:
    """Makes stages whose sandbox has the settings given, and closes them."""
    worlds: list[World] = []

    def make(switches: dict[str, Any]) -> Stage:
        file = tmp_path_factory.mktemp("stage") / "mirror.db"
        shutil.copy(migrated_sqlite, file)
        worlds.append(World(f"sqlite:///{file}", sandbox_settings=switches))
        return Stage(worlds[-1])

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def late(world: World) -> Customer:
    """A customer of a Cobalt that notifies at once, and shows everything two seconds later."""
    customer = Customer(world)
    world.sandbox.change_settings(stale_reads=1, stale_seconds=2)
    world.client.fetch_account(ACCOUNT)
    return customer
