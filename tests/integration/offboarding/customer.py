"""One customer of whom every table holds something personal."""

from datetime import UTC, datetime, timedelta

from cobalt_mirror.db import tables
from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    UserSignedUp,
)
from tests.world import World

#: What customers told us; it must not be anywhere when they have left.
PERSONAL = (
    "Ada Lovelace",
    "Countess",
    "+44 123",
    "s3cret",
    "ada@example.com",
    "#ada-alerts",
    "ada's workflow",
    "Byron",
)


def at(second: float) -> datetime:
    """Some seconds after a moment of the recent past."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1) + timedelta(seconds=second)


def settle_customer(world: World) -> World:
    """A world with one customer of whom every table knows something personal."""
    events = [
        UserSignedUp("ada", name="Ada Lovelace", udf={"title": "Countess"}, auth_credentials={"token": "s3cret"}),
        ConfigChanged("ada", "slack", fields={"mention": "#ada-alerts"}),
    ]
    world.publish(*events)
    world.work_until_quiet()
    world.sandbox.connect("ada", "slack", identifier="ada@example.com")
    world.publish(ConnectionAuthorized("ada", "slack"), UserSignedUp("ada", name="Ada Byron"))
    world.work_until_quiet()
    now = world.clock()
    told = {"linked_account_id": "ada", "workflow_id": "w", "workflow_name": "ada's workflow"}
    with world.engine.begin() as connection:
        connection.execute(
            tables.notifications.insert().values(received_at=now, event="x", linked_account_id="ada", payload=told)
        )
        connection.execute(tables.workflow_runs.insert().values(**told, last_run_at=now, last_error="for Ada Lovelace"))
        connection.execute(
            tables.suspicions.insert().values(
                run_id="r", linked_account_id="ada", slug="", kind="changed", differences={"name": ["Ada Lovelace"]}
            )
        )
    world.insert_by_hand(
        id="broken", type="nonsense", linked_account_id="ada", payload={"phone": "+44 123"}, last_error="+44 123"
    )
    world.work_until_quiet()
    world.calls()
    return world


def personal(world: World) -> set[str]:
    stored = world.everything_stored()
    return {word for word in PERSONAL if word in stored}
