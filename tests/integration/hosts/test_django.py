"""A Django project made of docs/django.md: it publishes in Django's transaction, reads, and checks."""

import json
import shutil
from pathlib import Path

import pytest

from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.database_pool import DatabasePool
from tests.integration.hosts.django_programs import EVERYTHING, WITH_THE_PAGE, WITHOUT_PSYCOPG
from tests.integration.hosts.django_project import MANAGE, database_of, write_project
from tests.integration.hosts.environments import Environment
from tests.services import PostgresServer
from tests.world import TEST_KEY, World


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project."""
    write_project(tmp_path)
    return tmp_path


def fill(world: World) -> None:
    """Let the mirror know two customers, one of them with the id of the project's first user; close the world."""
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
    world.close()


def test_a_project_of_2024_with_psycopg2_without_use_tz_and_with_a_schema_of_its_own(
    oldest: Environment, postgres: PostgresServer, project: Path
) -> None:
    """Slow, for a process with Django and all its migrations; and ours, as no database of the pool has that schema."""
    settings = {"MIRROR_SCHEMA": "crm", "MIRROR_SECRET_KEYS": TEST_KEY, "USE_TZ": False}
    with postgres.database() as url:
        upgrade(DatabaseSettings(database_url=url, mirror_schema="crm"))
        fill(World(url, options={"mirror_schema": "crm"}))

        printed = oldest.run(
            WITHOUT_PSYCOPG + EVERYTHING,
            folder=project,
            HOST_DATABASE=database_of(url),
            HOST_SETTINGS=json.dumps(settings),
        )

    assert printed == "all is well"


def test_a_project_of_today_with_psycopg_that_binds_in_the_server(
    newest: Environment, database_pool: DatabasePool, project: Path
) -> None:
    """Slow, for a process with Django and all its migrations."""
    with database_pool.database() as url:
        fill(World(url))
        printed = newest.run(
            EVERYTHING,
            folder=project,
            HOST_DATABASE=database_of(url, server_side_binding=True),
            MIRROR_SECRET_KEYS=TEST_KEY,
        )
        world = World(url)
        changes = world.rows("events", type="config_changed", linked_account_id="ben")
        world.close()

    assert printed == "all is well"
    assert ["sealed" in row["payload"] for row in changes] == [True]


def test_a_project_on_sqlite(newest: Environment, migrated_sqlite: Path, project: Path) -> None:
    file = project / "mirror.db"
    shutil.copy(migrated_sqlite, file)
    fill(World(f"sqlite:///{file}"))

    printed = newest.run(
        WITH_THE_PAGE,
        folder=project,
        COBALT_API_KEY="tk_sandbox",
        DATABASE_URL=f"sqlite:///{file}",
        HOST_DATABASE=database_of(f"sqlite:///{file}"),
        HOST_SETTINGS=json.dumps({"MIRROR_SECRET_KEYS": TEST_KEY}),
    )

    assert printed == "all is well"


def test_the_project_s_own_tests_run_with_our_tables_and_without_them(
    newest: Environment, database_pool: DatabasePool, project: Path
) -> None:
    """Slow, for two processes with Django: that is how a project's tests are run."""
    with database_pool.database() as url:
        newest.run(MANAGE, "test", "--keepdb", folder=project, HOST_DATABASE=database_of(url))
        world = World(url)
        assert world.rows("events") == []
        world.close()
    newest.run(
        MANAGE, "test", "shop.tests.Plain", folder=project, HOST_DATABASE=database_of(f"sqlite:///{project}/own.db")
    )


def test_a_check_of_a_database_that_does_not_answer_is_a_sentence(newest: Environment, project: Path) -> None:
    down = database_of("postgresql://app:hunter2@127.0.0.1:1/shop", connect_timeout=5)
    with pytest.raises(AssertionError) as failed:
        newest.run(MANAGE, "check", "--deploy", folder=project, HOST_DATABASE=down)

    printed = str(failed.value)
    assert "(cobalt_mirror.database) database: the database 'default' fails: connection" in printed
    assert "HINT: start it, or correct DATABASES" in printed
    assert "Traceback" not in printed
    assert "hunter2" not in printed
