"""Cobalt that is silent while reconciliation keeps finding changes is suspicious."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.notifications import (
    DELIVERY_TEST,
    Subscription,
    find_silence,
    record_notification,
    record_subscription,
)
from cobalt_mirror.db.tables import runs
from tests.world import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def arranged(world: World, since: datetime) -> None:
    with world.engine.begin() as connection:
        record_subscription(connection, Subscription(url="https://mirror.test/", since=since))


def told(world: World, at: datetime, *, event: str = "Connection Created") -> None:
    with world.engine.begin() as connection:
        record_notification(connection, received_at=at, event=event, payload={})


def ran(world: World, at: datetime, *, repaired: int, is_finished: bool = True) -> None:
    row = {"id": str(at), "options": {}, "started_at": at, "walking_since": at, "repaired": repaired}
    with world.engine.begin() as connection:
        connection.execute(insert(runs).values(**row, finished_at=at if is_finished else None))


def silence(world: World) -> tuple[datetime, int] | None:
    with reading(world.engine).begin() as connection:
        found = find_silence(connection)
    return None if found is None else (found.since, found.repairing_runs)


def test_without_a_webhook_silence_is_no_wonder(world: World) -> None:
    ran(world, NOW, repaired=5)

    assert silence(world) is None


def test_only_finished_runs_that_repaired_something_since_the_last_notification_count(world: World) -> None:
    arranged(world, NOW - timedelta(days=9))
    told(world, NOW - timedelta(days=2))
    ran(world, NOW - timedelta(days=3), repaired=5)
    ran(world, NOW - timedelta(hours=5), repaired=1, is_finished=False)
    ran(world, NOW - timedelta(hours=4), repaired=0)
    ran(world, NOW - timedelta(hours=3), repaired=2)
    ran(world, NOW - timedelta(hours=2), repaired=1)

    assert silence(world) == (NOW - timedelta(days=2), 2)

    told(world, NOW)
    assert silence(world) == (NOW, 0)


def test_silence_begins_no_earlier_than_the_webhook(world: World) -> None:
    ran(world, NOW - timedelta(hours=2), repaired=1)
    arranged(world, NOW - timedelta(hours=1))
    ran(world, NOW, repaired=1)

    assert silence(world) == (NOW - timedelta(hours=1), 1)


def test_a_test_notification_of_our_own_ends_no_silence(world: World) -> None:
    arranged(world, NOW - timedelta(days=9))
    ran(world, NOW - timedelta(hours=2), repaired=1)
    told(world, NOW, event=DELIVERY_TEST)

    assert silence(world) == (NOW - timedelta(days=9), 1)
