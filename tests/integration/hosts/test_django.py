"""A Django project made of docs/django.md: it publishes in Django's transaction, reads, and checks."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.database_pool import DatabasePool
from tests.integration.hosts.django_project import (
    BEGIN,
    COMMANDS,
    PAGES,
    PUBLISHING,
    READING,
    WITHOUT_PSYCOPG,
    database_of,
    write_project,
)
from tests.integration.hosts.environments import Environment
from tests.world import TEST_KEY, World


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project."""
    write_project(tmp_path)
    return tmp_path


def fill(world: World) -> None:
    """Let the mirror know two customers, one of them with the id of the project's first user."""
    for account in ("1", "a/b~c"):
        world.publish(UserSignedUp(account, name="<b>Ann & Co</b>", udf={"plan": "pro"}))
        world.work_until_quiet()
        world.sandbox.connect(account, "slack")
        world.publish(ConnectionAuthorized(account, "slack"))
    world.publish(ConfigChanged("1", "slack", fields={"channel": "general"}))
    world.sandbox.connect("1", "jira")
    world.sandbox.expire_connection("1", "jira")
    world.publish(ConnectionAuthorized("1", "jira"))
    world.work_until_quiet()
    world.catalogue.refresh()
    while number_changes(world.engine):
        pass


@pytest.mark.parametrize(
    ("version", "first", "options"),
    [
        pytest.param("oldest", WITHOUT_PSYCOPG, {}, id="oldest, psycopg2"),
        pytest.param("oldest", "", {}, id="oldest, psycopg"),
        pytest.param("newest", "", {"server_side_binding": True}, id="newest, psycopg that binds in the server"),
    ],
)
def test_a_project_on_postgresql(
    request: pytest.FixtureRequest,
    database_pool: DatabasePool,
    project: Path,
    version: str,
    first: str,
    options: dict[str, object],
) -> None:
    host: Environment = request.getfixturevalue(version)
    with database_pool.database() as url:
        world = World(url)
        fill(world)
        printed = host.run(
            "\n".join([first, BEGIN, PUBLISHING, READING, PAGES, COMMANDS]),
            folder=project,
            HOST_DATABASE=database_of(url, **options),
            HOST_USES_ZONES="no" if first else "yes",
            MIRROR_SECRET_KEYS=TEST_KEY,
        )
        kinds = {row["payload"].get("sealed") is not None for row in world.rows("events", type="config_changed")}
        world.close()

    assert printed == "all is well"
    assert kinds == {True}


def test_a_project_on_sqlite(newest: Environment, migrated_sqlite: Path, project: Path) -> None:
    file = project / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    world = World(f"sqlite:///{file}")
    fill(world)
    world.close()

    printed = newest.run(
        "\n".join([BEGIN, PUBLISHING, READING, PAGES, COMMANDS]),
        folder=project,
        HOST_DATABASE=database_of(f"sqlite:///{file}"),
        HOST_SETTINGS=json.dumps({"MIRROR_SECRET_KEYS": TEST_KEY}),
    )

    assert printed == "all is well"
