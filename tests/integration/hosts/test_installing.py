"""The documented installation leaves a host's own libraries as they are, and its app starts, publishes and reads."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.database_pool import DatabasePool
from tests.integration.hosts.conftest import project
from tests.integration.hosts.environments import Environment
from tests.integration.hosts.programs import FASTAPI, FLASK, FLASK_WITH_THE_PAGE, PLAIN
from tests.pages import DOCS, HOSTING, block
from tests.world import TEST_KEY, World

PAGE = (DOCS / "page.md").read_text("utf-8")
#: Variables of a host's process that we must not stumble over.
OF_A_HOST = {"COBALT_API_KEY": "tk_host", "LOG_LEVEL": "INFO", "MIRROR_SECRET_KEYS": TEST_KEY}


@pytest.fixture
def postgres_world(database_pool: DatabasePool) -> Iterator[World]:
    with database_pool.database() as url:
        world = World(url)
        yield world
        world.close()


def test_the_documented_installation_moves_none_of_the_host_s_libraries(
    without_us: Environment, oldest: Environment
) -> None:
    assert "'.[page]'" in HOSTING
    assert oldest.versions() == without_us.versions()


def test_a_fastapi_app_publishes_reads_and_serves_our_web_and_our_page(
    oldest: Environment, postgres_world: World, tmp_path: Path
) -> None:
    url = (
        make_url(postgres_world.database_url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    )

    printed = oldest.run(
        FASTAPI, url, folder=tmp_path, DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/other.db", **OF_A_HOST
    )

    assert printed.splitlines() == [
        "True ['user_signed_up']",
        "200 200",
        "[{'url': '/cobalt'}] True True",
        "401 You are not signed in.",
    ]
    assert [row["type"] for row in postgres_world.rows("events")] == ["user_signed_up"]


def test_a_flask_app_publishes_and_reads(oldest: Environment, postgres_world: World, tmp_path: Path) -> None:
    url = (
        make_url(postgres_world.database_url)
        .set(drivername="postgresql+psycopg2")
        .render_as_string(hide_password=False)
    )

    printed = oldest.run(FLASK, url, folder=tmp_path, DATABASE_URL="mysql://somewhere/else", **OF_A_HOST)

    assert printed == "{'is_new': True} ['user_signed_up']"
    assert [row["linked_account_id"] for row in postgres_world.rows("events")] == ["ann"]


def test_without_an_extra_a_host_publishes_and_reads_with_three_libraries(
    plain: Environment, migrated_sqlite: Path, tmp_path: Path
) -> None:
    assert "| `pip install .` | your app's | publishing and reading; needs SQLAlchemy, pydantic and cryptography |" in (
        HOSTING
    )
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'mirror.db')}"

    *printed, loaded = plain.run(PLAIN, url, folder=tmp_path, DATABASE_URL=url, **OF_A_HOST).splitlines()

    assert printed == [
        "['config_changed', 'user_signed_up'] [] []",
        "True",
        "governed_client: ... is not installed; run `pip install 'cobalt-mirror[client]'`",
        "create_app: ... is not installed; run `pip install 'cobalt-mirror[page]'`",
        "cobalt_mirror.web: ... is not installed; run `pip install 'cobalt-mirror[page]'`",
    ]
    wanted = [each for needed in project()["optional-dependencies"].values() for each in needed]
    others = {re.split(r"[^\w-]", each)[0] for each in wanted} - {"cobalt-mirror"}
    assert {"httpx", "redis", "starlette", "structlog"} <= others
    assert not others & plain.versions().keys()
    assert not {each.replace("-", "_") for each in others} & set(loaded.split())


def test_a_flask_app_has_the_page_beside_it(oldest: Environment, migrated_sqlite: Path, tmp_path: Path) -> None:
    mounted = block(PAGE, "python", "a2wsgi")

    url = f"sqlite:///{migrated_sqlite}"
    printed = oldest.run(mounted + FLASK_WITH_THE_PAGE, folder=tmp_path, DATABASE_URL=url, **OF_A_HOST)

    assert printed.splitlines() == ["/sign-in welcome", "True", "303"]


def test_a_command_without_its_extra_names_the_extra(oldest: Environment, tmp_path: Path) -> None:
    script = "import os, sys; os.execv(sys.argv[1], [sys.argv[1], 'status'])"
    with pytest.raises(AssertionError, match="pip install 'cobalt-mirror\\[workers\\]'") as failed:
        oldest.run(script, os.fspath(oldest.folder / "bin" / "cobalt-mirror"), folder=tmp_path)

    assert "Traceback" not in str(failed.value)
