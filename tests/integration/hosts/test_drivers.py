"""A host's own driver and its own way to make an engine: every function of ours works in its session."""

import shutil
from pathlib import Path

from sqlalchemy import make_url

from tests.database_pool import DatabasePool
from tests.integration.hosts.environments import Environment
from tests.integration.hosts.programs import DRIVERS, EVERY_DRIVER, EVERY_ENGINE
from tests.pages import HOSTING, rows
from tests.world import TEST_KEY


def test_every_driver_works_with_the_oldest_and_the_newest_libraries(
    host: Environment, database_pool: DatabasePool, migrated_sqlite: Path, tmp_path: Path
) -> None:
    file = shutil.copy(migrated_sqlite, tmp_path / "mirror.db")
    with database_pool.database() as url:
        address = make_url(url).render_as_string(hide_password=False)
        printed = host.run(DRIVERS + EVERY_DRIVER, address, f"sqlite:///{file}", MIRROR_SECRET_KEYS=TEST_KEY)

    drivers = {line.removesuffix(" works") for line in printed.splitlines()}
    assert drivers == {cells[0].strip("`") for cells in rows(HOSTING, "| driver | note |")}


def test_every_way_to_make_an_engine_works(newest: Environment, database_pool: DatabasePool) -> None:
    with database_pool.database() as url:
        address = make_url(url).render_as_string(hide_password=False)
        printed = newest.run(DRIVERS + EVERY_ENGINE, address)

    assert len(printed.splitlines()) == 5 * 4 + 2 * 2  # ways that every driver has, and ways of libpq
