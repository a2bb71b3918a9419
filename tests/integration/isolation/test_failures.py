"""An attempt that fails as a whole, by an error of ours: its account waits longer and longer, and nobody else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from cobalt_mirror.workers.ops.customer import read_customer
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose time passes only when a test says so. What is published is due."""
    world = make_world()
    world.clock.stop_at(datetime.now(UTC) + timedelta(minutes=1))
    return world


@pytest.fixture
def acme(world: World) -> World:
    """A world with a customer whose row in the mirror no release of ours can have written."""
    world.publish(UserSignedUp("acme", name="Acme", udf={}), UserSignedUp("bolt", name="Bolt", udf={}))
    world.work_until_quiet()
    set_verified(world, "infinity" if world.engine.dialect.name == "postgresql" else "noon")
    return world


def run_sql(world: World, statement: str, **values: object) -> None:
    prefix = "" if world.engine.dialect.name == "sqlite" else f"{world.settings.mirror_schema}."
    with world.engine.begin() as connection:
        connection.execute(text(statement.replace("OURS.", prefix)), values)


def set_verified(world: World, value: str) -> None:
    run_sql(world, "UPDATE OURS.linked_accounts SET verified_at = :at WHERE linked_account_id = 'acme'", at=value)


def test_what_cannot_be_loaded_waits_with_all_of_its_account_and_says_why(acme: World) -> None:
    mine = [ConfigChanged("acme", "slack", fields={"mention": "s3cret"}), ConnectionAuthorized("acme", "hubspot")]
    others = ConfigChanged("bolt", "slack", fields={"mention": "@b"})
    acme.publish(*mine, others)
    acme.work()

    assert acme.statuses([*mine, others]) == ["pending", "pending", "done"]
    rows = [acme.event(event) for event in mine]
    assert [(row["attempts"], row["move"]) for row in rows] == [(1, "operator")] * 2
    for row in rows:
        assert row["last_error"].startswith(("DataError: ", "ValueError: "))
        assert "s3cret" not in row["last_error"]
    assert acme.rows("work") == []
    waits = []
    for _ in range(6):
        due_at = acme.next_due()
        assert due_at is not None
        waits.append((due_at - acme.clock()).total_seconds())
        acme.clock.stop_at(due_at)
        acme.work()
    assert waits == [2, 4, 8, 16, 32, 64]

    set_verified(acme, "2026-01-31T12:00:00.000000Z")
    acme.work_until_quiet()
    assert acme.statuses(mine) == ["done", "done"]
    assert acme.mirror() == acme.truth()


def test_a_person_is_shown_what_failed_and_when_it_is_tried_again(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    refuse_history(world)
    world.work()

    (event,) = read_customer(world.engine, "acme", limit=10, database="here").pending
    assert (event.attempts, event.move) == (1, "operator")
    assert "history is full" in str(event.last_error)
    assert event.due_at > world.clock()


def refuse_history(world: World) -> None:
    """Have a trigger of somebody else's refuse our rows: what an attempt found cannot be saved."""
    if world.engine.dialect.name == "sqlite":
        run_sql(
            world,
            "CREATE TRIGGER full_up BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'history is full'); END",
        )
        return
    run_sql(
        world,
        "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'history is full'; END $$",
    )
    run_sql(world, "CREATE TRIGGER full_up BEFORE INSERT ON OURS.history FOR EACH ROW EXECUTE FUNCTION full_up()")


def test_what_cannot_be_saved_gives_its_lease_back_and_is_read_again(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    refuse_history(world)
    world.work()

    assert world.truth()["accounts"] == {"acme": ("Acme", {})}
    assert world.rows("linked_accounts") == world.rows("work") == []
    assert world.row("checks")["reason"] == "an attempt could not be saved"

    run_sql(world, "DROP TRIGGER full_up" + ("" if world.engine.dialect.name == "sqlite" else " ON OURS.history"))
    world.work_until_quiet()
    assert [row["status"] for row in world.rows("events")] == ["done"]
    assert world.rows("checks") == []
    assert world.mirror() == world.truth()
