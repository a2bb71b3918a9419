"""What cannot be migrated is said in one sentence: what is wrong, and what to do about it."""

import re
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Connection, make_url, text

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.errors import MissingRight, NewerDatabase
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.migrating.version import check_migrated
from cobalt_mirror.db.settings import DatabaseSettings
from tests.commands import Shell
from tests.migrations.schemas import get_version, set_version, shape
from tests.services import PostgresServer


@pytest.fixture
def owner(postgres_url: str) -> Iterator[Connection]:
    """A connection of the database's owner, each statement of which is committed."""
    engine = create_engine(DatabaseSettings(database_url=postgres_url))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def app(postgres: PostgresServer, postgres_url: str, owner: Connection) -> Iterator[DatabaseSettings]:
    """Settings of a role that may connect, and no more. Its name has to be quoted."""
    role = f"App {make_url(postgres_url).database}"[:40]
    owner.execute(text(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'harmless'"))
    url = make_url(postgres_url).set(username=role, password="harmless")
    yield DatabaseSettings(database_url=url.render_as_string(hide_password=False))
    owner.execute(text(f'DROP OWNED BY "{role}" CASCADE'))
    owner.execute(text(f'DROP ROLE "{role}"'))


def remedies(error: BaseException) -> list[str]:
    """The statements that a sentence proposes."""
    return [word for word in re.findall(r"`([^`]+)`", str(error)) if not word.startswith("cobalt-mirror")]


def test_a_database_of_a_newer_release_is_not_migrated(database_url: str, shell: Shell) -> None:
    settings = DatabaseSettings(database_url=database_url)
    upgrade(settings)
    set_version(settings, "9999")
    before = shape(settings)

    ended = shell.run("migrate", DATABASE_URL=database_url)

    assert ended.status == 1
    assert ended.output == ""
    assert re.fullmatch(
        r"cobalt-mirror: the database at \S+ is at version 9999, which this release does not know; "
        r"install the newer release that migrated it\n",
        ended.errors,
    )
    assert get_version(settings) == "9999"
    assert shape(settings) == before
    check_migrated(settings)  # what runs goes on


def test_one_that_became_newer_while_we_waited_is_not_migrated_either(database_url: str) -> None:
    settings = DatabaseSettings(database_url=database_url)
    upgrade(settings)
    set_version(settings, "9999")

    with pytest.raises(NewerDatabase, match="is at version 9999"):
        command.upgrade(alembic_config(settings), "head")


@pytest.mark.parametrize("remedy", [0, 1])
def test_a_role_that_may_not_make_our_schema_is_told_what_to_run(
    app: DatabaseSettings, owner: Connection, shell: Shell, remedy: int
) -> None:
    ended = shell.run("migrate", DATABASE_URL=app.database_url)

    assert ended.status == 1
    assert "may not create the schema cobalt_mirror: it lacks CREATE on the database" in ended.errors
    assert "harmless" not in ended.errors
    with pytest.raises(MissingRight) as raised:
        upgrade(app)
    statements = remedies(raised.value)
    assert [statement.partition(" ")[0] for statement in statements] == ["GRANT", "CREATE"]

    owner.execute(text(statements[remedy]))
    upgrade(app)

    check_migrated(app)


@pytest.mark.parametrize("right", ["nothing", "USAGE", "CREATE"])
def test_a_role_that_may_not_make_tables_is_told_what_to_run(
    app: DatabaseSettings, owner: Connection, right: str
) -> None:
    owner.execute(text("CREATE SCHEMA cobalt_mirror"))
    if right != "nothing":
        owner.execute(text(f'GRANT {right} ON SCHEMA cobalt_mirror TO "{app.url().username}"'))

    with pytest.raises(MissingRight, match="may not create tables in the schema cobalt_mirror") as raised:
        upgrade(app)
    (grant,) = remedies(raised.value)
    owner.execute(text(grant))
    upgrade(app)

    check_migrated(app)


def test_a_role_that_does_not_own_our_tables_is_told_who_does(
    app: DatabaseSettings, owner: Connection, postgres_url: str
) -> None:
    settings = DatabaseSettings(database_url=postgres_url)
    role = app.url().username
    command.upgrade(alembic_config(settings), "0002")
    owner.execute(text(f'GRANT USAGE, CREATE ON SCHEMA cobalt_mirror TO "{role}"'))
    owner.execute(text(f'GRANT ALL ON ALL TABLES IN SCHEMA cobalt_mirror TO "{role}"'))

    with pytest.raises(MissingRight, match=r"may not change the table cobalt_mirror\.events") as raised:
        upgrade(app)

    assert get_version(settings) == "0002"
    (grant,) = remedies(raised.value)
    assert grant == f'GRANT {settings.url().username} TO "{role}"'
    owner.execute(text(grant))
    upgrade(app)
    check_migrated(app)
