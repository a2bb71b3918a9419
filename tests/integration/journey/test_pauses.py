"""What is paused waits, whatever else goes on, and afterwards everything is as if nothing had been paused."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.pauses import end_pause, hurry_paused
from cobalt_mirror.db.statuses import PauseScope
from cobalt_mirror.db.tables import events
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.handlers.pausing import LOOK_AGAIN
from cobalt_mirror.workers.ops.pausing import pause_work, resume_work
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import reconcile
from tests.world import World

CHANGE = ConfigChanged("acme", "slack", fields={"mention": "@here"})


@pytest.fixture
def connected(world: World) -> World:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    for slug in ("slack", "hubspot"):
        world.sandbox.connect("acme", slug)
        world.publish(ConnectionAuthorized("acme", slug))
    world.work_until_quiet()
    world.fill_catalogue()
    world.calls()
    return world


def pause(world: World, scope: PauseScope, name: str | None = None, *, lasts: timedelta | None = None) -> None:
    pause_work(world.engine, scope, name, lasts=lasts, why="a test", by="ann", clock=world.clock)


def resume(world: World, scope: PauseScope, name: str | None = None) -> bool:
    return resume_work(world.engine, scope, name, clock=world.clock) is not None


SCOPES: list[tuple[PauseScope, str | None]] = [
    (PauseScope.EVERYTHING, None),
    (PauseScope.TYPE, "config_changed"),
    (PauseScope.APPLICATION, "slack"),
    (PauseScope.ACCOUNT, "acme"),
]


@pytest.mark.parametrize(("scope", "name"), SCOPES)
def test_an_event_waits_without_a_call_until_it_is_resumed(
    connected: World, scope: PauseScope, name: str | None
) -> None:
    pause(connected, scope, name)
    connected.publish(CHANGE)
    connected.work()
    row = connected.event(CHANGE)

    assert connected.calls() == []
    assert (row["status"], row["attempts"], row["retrying_since"]) == ("pending", 0, None)
    assert row["detail"].startswith("paused: ")
    assert row["detail"].endswith(": a test")
    assert resume(connected, scope, name)
    assert not resume(connected, scope, name)
    connected.work()
    assert connected.event(CHANGE)["status"] == "done"
    assert connected.mirror() == connected.truth()


def test_what_is_paused_for_a_time_goes_on_by_itself(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack", lasts=timedelta(hours=2))
    connected.publish(CHANGE)
    connected.clock.pass_time(7_100)
    connected.work()
    assert connected.event(CHANGE)["status"] == "pending"

    connected.clock.pass_time(100)
    connected.work()
    assert connected.event(CHANGE)["status"] == "done"


def test_a_shorter_pause_replaces_a_longer_one_for_what_waits_already(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack", lasts=timedelta(hours=2))
    connected.publish(CHANGE)
    connected.work()
    pause(connected, PauseScope.APPLICATION, "slack", lasts=timedelta(minutes=1))
    connected.work()
    assert connected.event(CHANGE)["status"] == "pending"

    connected.clock.pass_time(61)
    connected.work()
    assert connected.event(CHANGE)["status"] == "done"


def test_what_two_pauses_stop_goes_on_when_both_have_ended(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack")
    pause(connected, PauseScope.EVERYTHING)
    connected.publish(CHANGE)
    connected.work()
    resume(connected, PauseScope.EVERYTHING)
    connected.work()
    assert connected.event(CHANGE)["status"] == "pending"

    resume(connected, PauseScope.APPLICATION, "slack")
    connected.work()
    assert connected.event(CHANGE)["status"] == "done"


def test_resuming_ends_although_another_pause_puts_everything_off_again(connected: World) -> None:
    pause(connected, PauseScope.EVERYTHING)
    pause(connected, PauseScope.APPLICATION, "slack")
    changes = [ConfigChanged("acme", "slack", fields={"mention": f"@{number}"}) for number in range(5)]
    connected.publish(*changes)
    connected.work()
    seen: int | None = -1
    batches = 0
    while seen is not None:
        with connected.engine.begin() as connection:
            seen = hurry_paused(connection, PauseScope.APPLICATION, "slack", connected.clock(), after=seen)
        connected.work()  # `everything` is paused still
        batches += 1
        assert batches < 5

    assert batches == 2
    assert set(connected.statuses(changes)) == {"pending"}


def test_a_paused_deletion_and_the_sign_up_after_it_end_as_if_nothing_had_been_paused(connected: World) -> None:
    pause(connected, PauseScope.TYPE, "user_deleted")
    deletion = UserDeleted("acme")
    connected.publish(deletion)
    connected.work()
    connected.clock.pass_time(5)
    again = UserSignedUp("acme", name="Acme again", udf={})
    connected.publish(again)
    connected.work()
    assert connected.statuses([deletion, again]) == ["pending", "pending"]
    assert resume(connected, PauseScope.TYPE, "user_deleted")
    connected.work()  # no time passes
    connected.work_until_quiet()

    assert connected.statuses([deletion, again]) == ["done", "done"]
    assert connected.truth()["connections"] == {}
    assert connected.mirror() == connected.truth()


def test_the_read_that_confirms_a_deletion_goes_on_when_deletions_do(connected: World) -> None:
    connected.publish(UserDeleted("acme"))
    connected.work()
    pause(connected, PauseScope.TYPE, "user_deleted", lasts=timedelta(days=30))
    connected.clock.pass_time(300)
    connected.work()
    (check,) = connected.rows("checks", slug="")
    assert check["last_error"].startswith("paused: type user_deleted until")
    resume(connected, PauseScope.TYPE, "user_deleted")
    connected.work()

    assert connected.row("deletions")["confirmed_at"] is not None


def test_what_was_put_off_while_the_pause_ended_waits_an_hour_at_most(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack", lasts=timedelta(days=30))
    connected.publish(CHANGE)
    connected.work()
    with connected.engine.begin() as connection:  # as if `resume` had looked before the attempt wrote
        end_pause(connection, PauseScope.APPLICATION, "slack", connected.clock())
    connected.clock.pass_time(LOOK_AGAIN.total_seconds())
    connected.work()

    assert connected.event(CHANGE)["status"] == "done"


def test_an_event_recorded_in_the_future_is_due_at_once_and_does_not_keep_resume_busy(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack")
    connected.publish(CHANGE)
    connected.work()
    later = connected.clock() + timedelta(days=2)
    with connected.engine.begin() as connection:
        connection.execute(update(events).where(events.c.id == CHANGE.id).values(recorded_at=later))
    assert resume(connected, PauseScope.APPLICATION, "slack")
    connected.work()

    row = connected.event(CHANGE)
    assert (row["status"], row["detail"]) == ("done", None)


def test_another_resume_does_not_hurry_what_fails_after_the_pause(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack", lasts=timedelta(minutes=1))
    connected.publish(CHANGE)
    connected.work()
    connected.clock.pass_time(61)  # it ends by itself
    connected.sandbox.add_faults(Fault(linked_account_id="acme", status=500))
    connected.work()
    assert not resume(connected, PauseScope.APPLICATION, "slack")
    connected.calls()
    connected.work()

    assert connected.calls() == []
    assert connected.event(CHANGE)["attempts"] == 1


def test_other_applications_and_deletions_go_on(connected: World) -> None:
    pause(connected, PauseScope.APPLICATION, "slack")
    other = ConfigChanged("acme", "hubspot", fields={"pipeline": "default"})
    connected.publish(CHANGE, other)
    connected.work()
    assert (connected.event(CHANGE)["status"], connected.event(other)["status"]) == ("pending", "done")

    pause(connected, PauseScope.EVERYTHING)
    deletion = UserDeleted("acme")
    connected.publish(deletion)
    connected.work_until_quiet()
    assert connected.event(deletion)["status"] == "done"
    assert connected.truth()["accounts"] == {}
    assert connected.event(CHANGE)["status"] == "superseded"


def test_a_paused_reread_waits_and_is_made_afterwards(connected: World) -> None:
    connected.sandbox.expire_connection("acme", "slack")
    pause(connected, PauseScope.APPLICATION, "slack")
    with connected.engine.begin() as connection:
        record_check(connection, "acme", "slack", due_at=connected.clock(), reason="notification")
    connected.work()
    assert connected.calls() == []
    (check,) = connected.rows("checks")
    assert (check["attempts"], check["looks"]) == (0, 0)
    assert check["last_error"].startswith("paused: application slack until")

    resume(connected, PauseScope.APPLICATION, "slack")
    connected.work_until_quiet()
    assert connected.row("connections", slug="slack")["status"] == "reauth_required"
    assert connected.rows("checks") == []


@pytest.mark.parametrize("scope", [PauseScope.EVERYTHING, PauseScope.RECONCILIATION])
def test_a_reconciliation_stops_and_says_why(connected: World, scope: PauseScope) -> None:
    pause(connected, scope)
    report = reconcile(connected)

    assert report.ending is Ending.UNFINISHED
    assert str(report.run.stopped_because).startswith(f"paused: {scope} until somebody resumes it, by ")
    assert f"`cobalt-mirror resume --{scope}`" in str(report.run.stopped_because)
    assert connected.calls() == []
    resume(connected, scope)
    assert reconcile(connected).ending is Ending.IN_AGREEMENT


def test_a_reconciliation_does_not_say_that_a_paused_application_agrees(connected: World) -> None:
    connected.sandbox.expire_connection("acme", "slack")
    pause(connected, PauseScope.APPLICATION, "slack")
    report = reconcile(connected, deep=True)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert report.run.left == 1
    assert connected.row("connections", slug="slack")["status"] == "connected"
    resume(connected, PauseScope.APPLICATION, "slack")
    assert reconcile(connected, deep=True).ending is Ending.IN_AGREEMENT
    assert connected.mirror() == connected.truth()
