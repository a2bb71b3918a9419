"""One process may have several mirrors in one database: each read and write goes where its connection says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, make_url
from sqlalchemy.orm import Session

from cobalt_mirror.db import engine as ours
from cobalt_mirror.db import (
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_events,
    list_history,
    list_workflow_runs,
    tables,
)
from cobalt_mirror.db.errors import NoSecretKeys
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.mirror import record_change, record_row
from cobalt_mirror.db.reads import count_events, find_oldest_waiting
from cobalt_mirror.db.rows import ConfigColumns, ConfigKey, account_change, config_change, connection_change
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged, UserSignedUp, publish
from cobalt_mirror.events.publish import publish_with
from tests.integration.db.test_ends import NOON
from tests.services import PostgresServer

SCHEMAS = ["cobalt_mirror", "crm"]
#: Makes an engine for the mirror in a schema.
Maker = Callable[[str], Engine]


@pytest.fixture(params=SCHEMAS)
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("MIRROR_SCHEMA", request.param)


@pytest.fixture(scope="module")
def two_mirrors(postgres: PostgresServer) -> Iterator[str]:
    """The name of a database with two mirrors: each has the account `acme`, which is called after its schema there."""
    with postgres.database() as made:
        for schema in SCHEMAS:
            settings = DatabaseSettings(database_url=made, mirror_schema=schema)
            upgrade(settings)
            engine = ours.create_engine(settings)
            with engine.begin() as connection:
                fill(connection, schema)
            engine.dispose()
        yield str(make_url(made).database)


@pytest.fixture
def url(environment: None, postgres: PostgresServer, two_mirrors: str) -> Iterator[str]:
    """A copy of that database."""
    with postgres.database(template=two_mirrors) as copy:
        yield copy


def fill(connection: Any, schema: str) -> None:
    because = Because(at=NOON, cause={"schema": schema})
    application = {"slug": "slack", "name": schema, "tags": [], "auth_types": [], "enabled": True}
    record_row(connection, tables.applications, application, because)
    record_change(connection, account_change("acme", name=schema, status=AccountStatus.ACTIVE), because)
    connected = connection_change("acme", "slack", status=ConnectionStatus.CONNECTED, accounts=[{"identifier": schema}])
    record_change(connection, connected, because)
    form = {"fields": [{"id": f"secret of {schema}", "field_type": "password"}]}
    columns: ConfigColumns = {
        "status": ConfigStatus.INSTALLED,
        "fields": {},
        "workflows": [],
        "schema": form,
        "field_errors": [],
    }
    config = config_change("acme", "slack", ConfigKey(schema), **columns)
    record_change(connection, config, because)
    connection.execute(insert(tables.events).values(id=schema, type="user_signed_up", linked_account_id="acme"))
    run = {"linked_account_id": "acme", "workflow_id": schema, "last_run_at": NOON}
    connection.execute(insert(tables.workflow_runs).values(**run))


def our_engine(url: str, schema: str) -> Engine:
    return ours.create_engine(DatabaseSettings(database_url=url, mirror_schema=schema))


def plain_engine_of_the_host(url: str, schema: str) -> Engine:
    """The host says where our tables are; if they are where they always are, it need not."""
    options = {} if schema == "cobalt_mirror" else {"schema_translate_map": {"cobalt_mirror": schema}}
    return create_engine(url, execution_options=options)


def translating_engine_of_the_host(url: str, schema: str) -> Engine:
    """The host has a translation for its own tables, too."""
    return create_engine(url, execution_options={"schema_translate_map": {None: "public", "cobalt_mirror": schema}})


@pytest.fixture(params=[our_engine, plain_engine_of_the_host, translating_engine_of_the_host])
def make(request: pytest.FixtureRequest, url: str) -> Iterator[Maker]:
    made: list[Engine] = []

    def make(schema: str) -> Engine:
        made.append(request.param(url, schema))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def everything_read(session: Any) -> list[object]:
    """The one word by which each function's answer tells which mirror it read."""
    (shown,) = integrations(session, "acme")
    account = find_account(session, "acme")
    (connected,) = list_connections(session, "acme")
    assert account is not None
    assert connected.accounts is not None
    return [
        *(shown.name, account.name, connected.accounts[0]["identifier"]),
        *(each.config_id for each in list_configs(session, "acme")),
        *(each.id for each in list_events(session)),
        *{each.because["schema"] for each in list_history(session, "acme")},
        *(each.workflow_id for each in list_workflow_runs(session, "acme")),
    ]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_read_is_of_the_connection_s_mirror(make: Maker, schema: str) -> None:
    engine = make(schema)
    with engine.connect() as connection, Session(engine) as session:
        assert everything_read(connection) == everything_read(session) == [schema] * 7


def test_two_mirrors_are_read_side_by_side(make: Maker) -> None:
    first, second = (make(schema) for schema in SCHEMAS)
    names = []
    for _ in range(2):  # what was prepared for one serves the other
        for engine in (first, second):
            with Session(engine) as session:
                names += [one.name for one in integrations(session, "acme")]

    assert names == SCHEMAS * 2


@pytest.mark.parametrize("schema", SCHEMAS)
def test_an_event_is_published_into_the_mirror_of_its_session(make: Maker, schema: str) -> None:
    with Session(make(schema)) as session, session.begin():
        publish(UserSignedUp("zoe", id="new"), session)

    ids = {}
    for each in SCHEMAS:
        with Session(make(each)) as session:
            ids[each] = {event.id for event in list_events(session)}
            assert sum(count_events(session).values()) == len(ids[each])
            assert find_oldest_waiting(session) is not None
    assert ids == {each: {each, "new"} if each == schema else {each} for each in SCHEMAS}


def test_which_fields_are_secret_is_asked_of_the_mirror_of_the_session(make: Maker) -> None:
    change = ConfigChanged("acme", "slack", fields={"secret of crm": "1234"})
    without_keys = Vault(())

    with Session(make("cobalt_mirror")) as session:
        publish_with(without_keys, [change], session)
    with Session(make("crm")) as session, pytest.raises(NoSecretKeys, match="secret of crm"):
        publish_with(without_keys, [change], session)
