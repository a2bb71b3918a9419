"""Versions 0009 and 0010 over rows of 0008: old rows come first, and new ones as they were inserted, by any release."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, make_url, text

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.migrating.upgrade import alembic_config, upgrade
from cobalt_mirror.db.pruning import read_finished_of
from cobalt_mirror.db.reads.events import list_events
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.subject import get_background
from cobalt_mirror.events import ConfigChanged, UserDeleted, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.migrations.old_release import PUBLISH
from tests.migrations.rows import NOON, insert_rows, ours, select_rows
from tests.world import World

BEFORE = "0008"
CHANGE = {"type": "config_changed", "linked_account_id": "bolt", "slug": "slack", "occurred_at": NOON}
AT_NOON = datetime.fromisoformat(NOON)


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    settings = DatabaseSettings(database_url=database_url)
    command.upgrade(alembic_config(settings), BEFORE)
    return settings


@pytest.fixture
def engine(settings: DatabaseSettings) -> Iterator[Engine]:
    """A database at 0008 with a row in every table."""
    engine = create_engine(settings)
    insert_rows(engine)
    yield engine
    engine.dispose()


def insert(engine: Engine, *ids: str) -> None:
    """What a host inserts that knows nothing of numbers: several rows in one statement."""
    places = ", ".join(f"('{id_}', :type, :linked_account_id, :slug, :occurred_at)" for id_ in ids)
    with engine.begin() as connection:
        connection.execute(
            text(f"INSERT INTO {ours(engine)}events (id, type, linked_account_id, slug, occurred_at) VALUES {places}"),
            CHANGE,
        )


def set_recorded(engine: Engine, *ids: str, second: int = 0) -> None:
    """Let some rows have been recorded at once."""
    statement = text(f"UPDATE {ours(engine)}events SET recorded_at = :at WHERE id = :id")
    with engine.begin() as connection:
        connection.execute(statement, [{"at": f"2026-01-31T12:00:0{second}.000000Z", "id": id_} for id_ in ids])


def publish_as_before(engine: Engine, id_: str) -> None:
    row = {**CHANGE, "id": id_, "source": "host", "payload": "{}"}
    with engine.begin() as connection:
        connection.execute(text(PUBLISH.format(ours=ours(engine))), row)


def numbers(engine: Engine) -> dict[str, Any]:
    return {row["id"]: row["number"] for row in select_rows(engine, "events")}


def vacuum(engine: Engine) -> None:
    """On SQLite it may give rows other rowids."""
    connection = engine.raw_connection()
    if engine.dialect.name == "sqlite":
        connection.cursor().execute("VACUUM")
    connection.close()


def carry_out(world: World, account: str) -> None:
    """Make attempts at one account until nothing of it is due."""
    while world.attempts.attempt(account):
        pass


def ids_in_order(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        return [event.id for event in get_background(connection, "bolt", "slack").events]


def test_rows_are_kept_without_a_number(settings: DatabaseSettings, engine: Engine) -> None:
    before = {table: select_rows(engine, table) for table in ("events", "deletions", "state")}

    upgrade(settings)

    for table, rows in before.items():
        expected = rows if table == "state" else [{**row, "number": None} for row in rows]
        after = [
            {name: row[name] for name in expected[0]} for row in select_rows(engine, table)
        ]  # later ones add columns
        assert sorted(after, key=str) == sorted(expected, key=str)


def test_old_rows_come_first_by_id_and_new_ones_as_they_were_inserted(
    settings: DatabaseSettings, engine: Engine
) -> None:
    insert(engine, "old z", "old a")
    set_recorded(engine, "old z", "old a")
    upgrade(settings)

    insert(engine, "m", "z", "a")
    publish_as_before(engine, "k")
    changes = [ConfigChanged("bolt", "slack", id=id_, occurred_at=AT_NOON) for id_ in ("y", "b", "x")]
    with engine.begin() as connection:
        publish_with(settings.vault(), changes, connection)
        publish_with(settings.vault(), [ConfigChanged("bolt", "slack", id="0", occurred_at=AT_NOON)], connection)
        publish_with(settings.vault(), [changes[1]], connection)

    assert ids_in_order(engine) == ["old a", "old z", "m", "z", "a", "k", "y", "b", "x", "0"]


def test_old_rows_of_one_time_go_by_when_they_were_recorded(settings: DatabaseSettings, engine: Engine) -> None:
    insert(engine, "c", "b", "a")
    set_recorded(engine, "c", second=1)
    set_recorded(engine, "b", "a", second=2)
    upgrade(settings)

    assert ids_in_order(engine) == ["c", "a", "b"]
    with engine.begin() as connection:
        assert [each.id for each in list_events(connection, "bolt")] == ["b", "a", "c"]
        finish = f"UPDATE {ours(engine)}events SET status = 'done', finished_at = :at WHERE linked_account_id = 'bolt'"
        connection.execute(text(finish), {"at": NOON})
        assert pages(connection) == ["b", "a", "c"]


def pages(connection: Connection) -> list[str]:
    """The finished events of an account as the pruning reads them, one a page."""
    ids: list[str] = []
    older_than = None
    while rows := read_finished_of(connection, datetime.now(UTC), "bolt", older_than=older_than, limit=1):
        older_than = rows[-1].logged.order
        ids += [row.logged.id for row in rows]
        assert len(ids) < 9
    return ids


def test_a_number_is_never_given_twice(settings: DatabaseSettings, engine: Engine) -> None:
    upgrade(settings)
    insert(engine, "m", "z", "a")
    highest = numbers(engine)["a"]
    with engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {ours(engine)}events"))
    vacuum(engine)

    insert(engine, "b")

    assert numbers(engine)["b"] > highest


def test_going_down_and_up_again_numbers_what_comes_then(settings: DatabaseSettings, engine: Engine) -> None:
    upgrade(settings)
    insert(engine, "m", "z", "a")

    command.downgrade(alembic_config(settings), BEFORE)
    assert "number" not in select_rows(engine, "events")[0]
    publish_as_before(engine, "k")
    set_recorded(engine, "m", "z", "a", "k")
    assert "last_event_number" not in {row["key"] for row in select_rows(engine, "state")}
    upgrade(settings)
    command.check(alembic_config(settings))
    insert(engine, "y", "b")

    assert ids_in_order(engine) == ["a", "k", "m", "z", "y", "b"]


def test_after_a_deletion_by_the_older_release_a_sign_up_of_its_time_begins_a_new_generation(
    settings: DatabaseSettings, engine: Engine
) -> None:
    """`gone` was deleted at noon. What was inserted at that time, before there were numbers, stays over with it."""
    with engine.begin() as connection:
        for id_ in ("a", "z"):
            row = {**CHANGE, "id": id_, "type": "user_signed_up", "linked_account_id": "gone", "slug": None}
            connection.execute(
                text(PUBLISH.format(ours=ours(engine))), {**row, "source": "host", "payload": '{"name": "Old"}'}
            )
    upgrade(settings)
    world = World(settings.database_url)
    carry_out(world, "gone")
    assert {world.row("events", id=id_)["status"] for id_ in ("a", "z")} == {"superseded"}

    sign_up = UserSignedUp("gone", name="New", occurred_at=AT_NOON)
    world.publish(sign_up)
    carry_out(world, "gone")

    assert world.statuses([sign_up]) == ["done"]
    assert world.row("linked_accounts", linked_account_id="gone")["name"] == "New"
    world.close()


def test_a_deletion_from_before_there_were_numbers_and_a_later_sign_up_of_its_time(
    settings: DatabaseSettings, engine: Engine
) -> None:
    deletion = UserDeleted("bolt", id="z", occurred_at=datetime(2026, 1, 31, 12, tzinfo=UTC))
    row = {**CHANGE, "id": deletion.id, "type": deletion.type, "slug": None, "source": "host", "payload": "{}"}
    with engine.begin() as connection:
        connection.execute(text(PUBLISH.format(ours=ours(engine))), row)
    upgrade(settings)
    world = World(settings.database_url)
    sign_up = UserSignedUp("bolt", name="New", id="a", occurred_at=AT_NOON)
    world.publish(sign_up)
    carry_out(world, "bolt")

    assert world.statuses([deletion, sign_up]) == ["done", "done"]
    assert world.row("linked_accounts", linked_account_id="bolt")["name"] == "New"
    world.close()


# --- on PostgreSQL ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_host_that_may_insert_needs_no_other_right_than_before(settings: DatabaseSettings, engine: Engine) -> None:
    role = f"host_{make_url(settings.database_url).database}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA cobalt_mirror TO {role}"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA cobalt_mirror TO {role}"))
        connection.execute(text(f"GRANT INSERT ON cobalt_mirror.events TO {role}"))

    upgrade(settings)

    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        publish_with(settings.vault(), [ConfigChanged("bolt", "slack", id="z", occurred_at=AT_NOON)], connection)
        changes = [ConfigChanged("bolt", "slack", id=id_, occurred_at=AT_NOON) for id_ in ("y", "a")]
        publish_with(settings.vault(), changes, connection)
    assert ids_in_order(engine) == ["z", "y", "a"]
    with engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))
