"""A host's own `alembic revision --autogenerate` leaves our tables alone, and finds the host's own changes."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from tests.pages import HOSTING, block

#: The host's env.py, around the function on the page.
BEFORE = """
import os
from sqlalchemy import Column, Integer, Table, create_engine
"""
AFTER = """
metadata = MetaData()
Table("customers", metadata, Column("id", Integer, primary_key=True))
if os.environ["HOST_HAS_EVENTS"]:  # a table of the host's with a name that one of ours has, too
    Table("events", metadata, Column("id", Integer, primary_key=True))

with create_engine(os.environ["HOST_DATABASE"], execution_options={}).connect() as connection:
    run_migrations(connection, metadata)
    connection.commit()
"""
TEMPLATE = """
revision = ${repr(up_revision)}
down_revision = None

def upgrade():
    ${upgrades}
"""
FILTER = "        include_name=exclude_mirror(connection),\n"


@pytest.fixture
def autogenerate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the host's autogenerate; return the statements that it wrote."""

    def run(database: str, *, env: str = block(HOSTING, "python", "exclude_mirror"), has_events: str = "") -> str:
        folder = tmp_path / "host"
        (folder / "versions").mkdir(parents=True, exist_ok=True)
        (folder / "env.py").write_text(BEFORE + env + AFTER)
        (folder / "script.py.mako").write_text(TEMPLATE)
        monkeypatch.setenv("HOST_DATABASE", database)
        monkeypatch.setenv("HOST_HAS_EVENTS", has_events)
        config = Config()
        config.set_main_option("script_location", str(folder))
        revision = command.revision(config, autogenerate=True)
        written = Path(revision.path)  # type: ignore[union-attr]
        statements = written.read_text()
        written.unlink()
        return statements

    return run


def tables_of(statements: str, operation: str) -> list[str]:
    return re.findall(rf"op\.{operation}\(\s*'(\w+)'", statements)


@pytest.mark.parametrize("schema", ["cobalt_mirror", "crm"])
def test_what_is_ours_is_left_alone(autogenerate: Callable[..., str], database_url: str, schema: str) -> None:
    upgrade(DatabaseSettings(database_url=database_url, mirror_schema=schema))

    statements = autogenerate(database_url)

    assert tables_of(statements, "drop_table") == []
    assert tables_of(statements, "create_table") == ["customers"]
    assert "op." not in statements.replace("op.create_table", "")


def test_without_the_line_it_would_drop_our_tables(autogenerate: Callable[..., str], database_url: str) -> None:
    upgrade(DatabaseSettings(database_url=database_url))
    env = block(HOSTING, "python", "exclude_mirror")
    assert FILTER in env

    statements = autogenerate(database_url, env=env.replace(FILTER, ""))

    assert {"events", "connections", "cobalt_mirror_version"} <= set(tables_of(statements, "drop_table"))


def test_the_host_s_own_table_of_a_name_of_ours_is_compared(
    autogenerate: Callable[..., str], postgres_url: str
) -> None:
    upgrade(DatabaseSettings(database_url=postgres_url))
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE events (id serial PRIMARY KEY, old text)"))
    engine.dispose()

    statements = autogenerate(postgres_url, has_events="yes")

    assert tables_of(statements, "create_table") == ["customers"]
    assert "op.drop_column('events', 'old')" in statements


def test_ours_are_known_also_where_their_schema_is_first_on_the_search_path(
    autogenerate: Callable[..., str], postgres_url: str
) -> None:
    upgrade(DatabaseSettings(database_url=postgres_url))
    url = make_url(postgres_url).update_query_dict({"options": "-csearch_path=cobalt_mirror,public"})

    statements = autogenerate(url.render_as_string(hide_password=False))

    assert tables_of(statements, "drop_table") == []
