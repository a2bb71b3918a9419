"""Versions 0006 and 0007 over rows of 0005: everything is kept, and what is new has a value that means the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, make_url, text

from cobalt_mirror.db import integrations, list_configs, list_history
from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.statuses import StateKey
from tests.migrations.rows import ACME_SLACK, ROWS, insert_rows, ours, select_rows
from tests.migrations.schemas import shape
from tests.world import World

BEFORE, AFTER = "0005", "0007"
OLD_KEY = ["linked_account_id", "slug", "config_id"]
#: What the columns hold that an installation of 0005 did not have.
NEW_COLUMNS: dict[str, dict[str, Any]] = {
    "configs": {"connection_id": ""},
    "history": {"connection_id": None},
    "applications": {"app_id": None, "type": None, "kind": None, "has_multi_auth": False},
    "runs": {"unmapped": 0},
}


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    settings = DatabaseSettings(database_url=database_url)
    command.upgrade(alembic_config(settings), BEFORE)
    return settings


@pytest.fixture
def engine(settings: DatabaseSettings) -> Iterator[Engine]:
    """A database at 0005 with a row in every table."""
    engine = create_engine(settings)
    insert_rows(engine)
    yield engine
    engine.dispose()


def every_table(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    return {name: select_rows(engine, name) for name in ROWS}


def primary_key(engine: Engine) -> list[str]:
    schema = None if engine.dialect.name == "sqlite" else "cobalt_mirror"
    return inspect(engine).get_pk_constraint("configs", schema)["constrained_columns"]


def test_there_is_a_row_in_every_table(settings: DatabaseSettings, engine: Engine) -> None:
    assert ROWS.keys() == shape(settings).keys() - {"cobalt_mirror_version", "views"}
    assert all(every_table(engine).values())


def test_every_row_is_kept(settings: DatabaseSettings, engine: Engine) -> None:
    before = every_table(engine)

    command.upgrade(alembic_config(settings), AFTER)

    assert every_table(engine) == {
        name: sorted(({**row, **NEW_COLUMNS.get(name, {})} for row in rows), key=str) for name, rows in before.items()
    }
    assert primary_key(engine) == [*OLD_KEY, "connection_id"]


def test_the_functions_read_what_an_older_release_wrote(settings: DatabaseSettings, engine: Engine) -> None:
    upgrade(settings)

    with engine.connect() as connection:
        configs = list_configs(connection, "acme", slug="slack")
        assert [(config.config_id, config.connection_id) for config in configs] == [("acme", ""), ("eu", "")]
        assert [change.connection_id for change in list_history(connection, "acme")] == [None, None]
        counts = {each.slug: (each.connected, each.needs_attention) for each in integrations(connection, "acme")}
    assert counts == {
        "github": (0, 0),
        "hubspot": (None, None),
        "jira": (2, 1),
        "notion": (0, 0),
        "slack": (1, 0),
    }
    view = select_rows(engine, "integrations")
    assert {row["slug"]: (row["connected"], row["needs_attention"]) for row in view} == counts
    assert {row["linked_account_id"] for row in view} == {"acme"}


def test_a_row_of_an_old_worker_gets_the_empty_connection(settings: DatabaseSettings, engine: Engine) -> None:
    upgrade(settings)
    row = {**ROWS["configs"][0], "config_id": "us"}
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {ours(engine)}configs ({names}) VALUES ({places})"), row)

    assert {each["connection_id"] for each in select_rows(engine, "configs")} == {""}


def test_a_removal_with_the_stamp_of_an_older_release_is_carried_out(
    settings: DatabaseSettings, engine: Engine
) -> None:
    upgrade(settings)
    world = World(settings.database_url)
    world.clock.stop_at(datetime(2026, 1, 31, 11, tzinfo=UTC))
    world.client.upsert_account("acme", name="Acme", udf={"plan": "pro"})
    world.sandbox.connect("acme", "slack")
    world.clock.resume()
    assert world.row("state", key=StateKey.ENVIRONMENT)["value"] == "test"
    world.work_until_quiet(patience=timedelta(days=1))

    assert world.row("events", id="removal")["status"] == "done"
    assert world.truth()["connections"] == {}
    assert world.row("connections", **ACME_SLACK)["status"] == "disconnected"
    world.close()


def test_going_down_keeps_what_the_old_key_can_tell_apart(settings: DatabaseSettings, engine: Engine) -> None:
    command.upgrade(alembic_config(settings), AFTER)
    before = select_rows(engine, "configs")
    with engine.begin() as connection:
        connection.execute(
            text(
                f"INSERT INTO {ours(engine)}configs "
                "SELECT linked_account_id, slug, config_id, fields, workflows, schema, field_errors, status, "
                f"verified_at, 'c1' FROM {ours(engine)}configs WHERE status = 'installed'"
            )
        )
    assert len(select_rows(engine, "configs")) == len(before) + 2

    command.downgrade(alembic_config(settings), BEFORE)

    assert primary_key(engine) == OLD_KEY
    without = [{name: value for name, value in row.items() if name != "connection_id"} for row in before]
    assert select_rows(engine, "configs") == without
    assert "connected" not in select_rows(engine, "integrations")[0]
    command.upgrade(alembic_config(settings), AFTER)
    assert select_rows(engine, "configs") == before


# --- on PostgreSQL ----------------------------------------------------------------------------------------------------

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@ON_POSTGRESQL
def test_a_host_may_still_read_the_view_that_it_was_granted(settings: DatabaseSettings, engine: Engine) -> None:
    role = f"host_{make_url(settings.database_url).database}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA cobalt_mirror TO {role}"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA cobalt_mirror TO {role}"))

    upgrade(settings)

    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        connection.execute(text("SELECT connected, needs_attention FROM cobalt_mirror.integrations"))
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


@ON_POSTGRESQL
def test_a_run_that_was_killed_before_it_changed_the_key_is_taken_up(
    settings: DatabaseSettings, engine: Engine
) -> None:
    command.upgrade(alembic_config(settings), "0006")
    key = ", ".join([*OLD_KEY, "connection_id"])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE UNIQUE INDEX CONCURRENTLY configs_key_of_4 ON cobalt_mirror.configs ({key})"))

    upgrade(settings)

    assert primary_key(engine) == [*OLD_KEY, "connection_id"]
    command.check(alembic_config(settings))
