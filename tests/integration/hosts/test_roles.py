"""The three roles on docs/hosting.md have the rights that they need, and no others."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from cobalt_mirror import find_account, integrations, list_events
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserDeleted, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.ops.overview import read_overview
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import reconcile
from tests.pages import HOSTING, block
from tests.services import PostgresServer
from tests.world import World

NAMES = ("mirror_owner", "mirror_worker", "app")


class Roles:
    """The roles of the page under names of this test's own, in a database of its own."""

    def __init__(self, database: str) -> None:
        self.url = make_url(database)
        self.engine = create_engine(self.url, isolation_level="AUTOCOMMIT")

    def run(self, statements: str) -> None:
        """Run statements of the page as the owner of the database."""
        with self.engine.connect() as connection:
            for name in NAMES:
                statements = re.sub(rf"\b{name}\b", self.name_of(name), statements)
            connection.execute(text(statements))

    def name_of(self, role: str) -> str:
        return f"{role}_{self.url.database}"[:60]

    def address_of(self, role: str) -> str:
        password = {"mirror_owner": "choose-one", "mirror_worker": "choose-another", "app": "own"}[role]
        return self.url.set(username=self.name_of(role), password=password).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def roles(postgres: PostgresServer) -> Iterator[Roles]:
    """The roles after the statements of the page, with the tables migrated by the one that is for it."""
    with postgres.database() as url:
        roles = Roles(url)
        roles.run("CREATE ROLE app LOGIN PASSWORD 'own'")
        roles.run(block(HOSTING, "sql", "mirror_owner"))
        upgrade(DatabaseSettings(database_url=roles.address_of("mirror_owner")))
        [grant] = re.findall(r"`(GRANT INSERT [^`]+)`", HOSTING)
        roles.run(grant)
        yield roles
        for name in NAMES:
            roles.run(f"DROP OWNED BY {name} CASCADE")
        for name in NAMES:
            roles.run(f"DROP ROLE {name}")
        roles.engine.dispose()


@pytest.fixture
def app(roles: Roles) -> Iterator[Engine]:
    """The engine of the host's app."""
    engine = create_engine(roles.address_of("app"))
    yield engine
    engine.dispose()


@pytest.fixture
def world(roles: Roles) -> Iterator[World]:
    """Our processes."""
    world = World(roles.address_of("mirror_worker"))
    yield world
    world.close()


def test_each_role_can_do_its_work(roles: Roles, app: Engine, world: World) -> None:
    def publish(*events: object) -> None:
        with Session(app) as session:
            publish_with(world.settings.vault(), events, session)  # type: ignore[arg-type]
            session.commit()
        world.work_until_quiet()

    publish(UserSignedUp("acme", name="Acme"), UserSignedUp("gone"))
    world.catalogue.refresh()
    world.sandbox.connect("acme", "slack")
    publish(ConnectionAuthorized("acme", "slack"), ConfigChanged("acme", "slack", fields={"channel": "alerts"}))
    report = reconcile(world)
    publish(ConnectionRemoved("acme", "slack"), UserDeleted("gone"))

    assert report.ending is Ending.IN_AGREEMENT
    assert {row["status"] for row in world.rows("events")} == {"done"}
    assert read_overview(world.engine).pending == 0
    with Session(app) as session:
        account = find_account(session, "acme")
        assert account is not None
        assert account.name == "Acme"
        assert {each.slug for each in integrations(session, "acme")} >= {"slack"}
        assert len(list_events(session, "acme")) == 4
    upgrade(DatabaseSettings(database_url=roles.address_of("mirror_owner")))


#: What a role must not be able to do.
REFUSED = [
    ("app", "UPDATE cobalt_mirror.events SET status = 'done'"),
    ("app", "DELETE FROM cobalt_mirror.events"),
    ("app", "INSERT INTO cobalt_mirror.state (key, value) VALUES ('halt', '{}')"),
    ("mirror_worker", "DROP TABLE cobalt_mirror.events"),
    ("mirror_worker", "CREATE TABLE cobalt_mirror.other (id int)"),
    ("mirror_worker", "TRUNCATE cobalt_mirror.events"),
    ("mirror_owner", "CREATE SCHEMA other"),
]


def test_no_role_can_do_more(roles: Roles) -> None:
    for role, statement in REFUSED:
        engine = create_engine(roles.address_of(role))
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
