"""A customer leaves: gone at Cobalt, confirmed twice, nothing personal left here, and a receipt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db import tables
from cobalt_mirror.events import (
    ConfigChanged,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    IdConflict,
    Receipt,
    UserDeleted,
    UserSignedUp,
)
from tests.integration.journey.wires import Died, Once, Wire, die, workers_over
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

DELETION_CALLS = ["delete_account", "read_account"]


def at(second: float) -> datetime:
    """Some seconds after a moment of the recent past."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1) + timedelta(seconds=second)


@pytest.fixture
def ada(world: World) -> World:
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


def test_everything_personal_goes_and_the_rest_stays(ada: World) -> None:
    assert personal(ada) >= {"Ada Lovelace", "Countess", "+44 123", "ada@example.com", "#ada-alerts", "ada's workflow"}
    waiting = ConfigChanged("ada", "slack", fields={"mention": "+44 123"})
    deletion = UserDeleted("ada")
    ada.publish(waiting, deletion)
    ada.work_until_quiet()

    assert personal(ada) == set()
    assert ada.truth() == ada.mirror() == {"accounts": {}, "connections": {}, "configs": {}}
    account = ada.row("linked_accounts")
    assert (account["status"], account["name"], account["udf"]) == ("deleted", None, None)
    connection = ada.row("connections")
    assert (connection["status"], connection["accounts"], connection["connected_at"]) == ("disconnected", [], None)
    config = ada.row("configs")
    assert (config["status"], config["fields"], config["workflows"], config["schema"]) == ("deleted", {}, [], {})
    assert {(row["type"], row["status"]) for row in ada.rows("events")} == {
        ("user_signed_up", "done"),
        ("connection_authorized", "done"),
        ("config_changed", "done"),
        ("config_changed", "superseded"),
        ("nonsense", "superseded"),
        ("user_deleted", "done"),
    }
    assert ada.event(waiting)["detail"] == "account deleted"
    assert ada.view("integrations") == []


def test_the_receipt_says_when_and_because_of_which_event_and_when_it_was_confirmed(ada: World) -> None:
    deletion = UserDeleted("ada", id="d1", source="billing")
    ada.publish(deletion)
    ada.work()
    assert ada.calls() == DELETION_CALLS
    first = ada.row("deletions")
    assert (first["source"], first["event_id"], first["confirmed_at"]) == ("billing", "d1", None)
    assert first["occurred_at"] == deletion.occurred_at

    ada.work_until_quiet()
    assert ada.calls() == ["read_account"]
    second = ada.row("deletions")
    assert second["gone_at"] == first["gone_at"]
    assert second["confirmed_at"] - first["gone_at"] >= timedelta(seconds=ada.settings.delayed_write_seconds)
    assert second["note"] is None
    assert ada.rows("checks") == ada.rows("work") == []


def test_the_history_says_that_the_account_was_deleted_and_why_and_nothing_personal(ada: World) -> None:
    ada.publish(UserDeleted("ada", id="the deletion"))
    ada.work_until_quiet()

    told = [(row["what"], row["changes"]) for row in ada.rows("history") if "the deletion" in repr(row["because"])]
    assert told == [
        ("linked_account", {"status": ["active", "deleted"]}),
        ("connection", {"status": ["connected", "disconnected"]}),
        ("config", {"status": ["installed", "deleted"]}),
    ]
    renamed = [row["changes"] for row in ada.rows("history") if set(row["changes"]) == {"name"}]
    assert renamed == [{"name": [None, None]}]


def test_duplicates_cost_nothing(ada: World) -> None:
    deletion = UserDeleted("ada")
    ada.publish(deletion, deletion)
    ada.work_until_quiet()
    ada.calls()
    ada.publish(deletion)
    older = UserDeleted("ada", occurred_at=deletion.occurred_at - timedelta(minutes=1))
    ada.publish(older)
    ada.work_until_quiet()

    assert ada.calls() == []
    assert ada.event(older)["status"] == "superseded"
    assert ada.row("deletions")["event_id"] == deletion.id


@pytest.mark.parametrize("account", ["nobody", "someone@example.com/ω"])
def test_an_account_that_the_mirror_never_saw_gets_a_tombstone(world: World, account: str) -> None:
    world.client.upsert_account(account, name="Ada Lovelace")
    world.calls()
    world.publish(UserDeleted(account), UserDeleted("unknown to Cobalt, too"))
    world.work_until_quiet()

    assert {row["linked_account_id"]: row["status"] for row in world.rows("linked_accounts")} == {
        account: "deleted",
        "unknown to Cobalt, too": "deleted",
    }
    assert all(row["confirmed_at"] for row in world.rows("deletions"))
    assert world.truth()["accounts"] == {}


def test_the_test_user_stays_and_the_operator_has_to_act(world: World) -> None:
    world.publish(UserSignedUp("test_user", name="Tester", udf={}))
    world.work_until_quiet()
    deletion, renamed = UserDeleted("test_user"), UserSignedUp("test_user", name="New")
    change = ConfigChanged("test_user", "slack", fields={"mention": "@a"})
    world.publish(deletion, renamed, change)
    world.work_until_quiet()

    dead = world.event(deletion)
    assert (dead["status"], dead["move"]) == ("dead", "operator")
    assert world.statuses([renamed, change]) == ["done", "done"]
    assert world.rows("deletions") == world.rows("checks") == []
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"]["test_user"][0] == "New"


# --- what comes later -------------------------------------------------------------------------------------------------


def later_events(second: float) -> list[Event]:
    return [
        ConnectionAuthorized("ada", "slack", occurred_at=at(second)),
        ConfigChanged("ada", "hubspot", fields={"pipeline": "+44 123"}, occurred_at=at(second + 1)),
        ConnectionRemoved("ada", "slack", occurred_at=at(second + 2)),
    ]


@pytest.mark.parametrize("second", [-10.0, 10.0])
def test_events_of_a_deleted_account_come_to_nothing_without_a_call(world: World, second: float) -> None:
    world.publish(UserSignedUp("ada", name="Ada Lovelace", occurred_at=at(-20)), UserDeleted("ada", occurred_at=at(0)))
    world.work_until_quiet()
    world.calls()
    events = later_events(second)
    if second < 0:
        events.append(UserSignedUp("ada", name="Countess", auth_credentials={"a": "s3cret"}, occurred_at=at(second)))
    world.publish(*events)
    world.work_until_quiet()

    assert world.calls() == []
    assert {world.event(each)["status"] for each in events} == {"superseded"}
    assert {world.event(each)["detail"] for each in events} == {"account deleted"}
    assert {repr(world.event(each)["payload"]) for each in events} == {"{}"}
    assert personal(world) == set()
    assert world.truth()["accounts"] == {}


def test_an_event_that_comes_again_after_stripping_is_still_known(ada: World) -> None:
    late = ConfigChanged("ada", "slack", fields={"mention": "+44 123"}, id="late")
    ada.insert_by_hand(id="hand", type="user_signed_up", linked_account_id="ada", payload={"name": "Ada Lovelace"})
    ada.publish(UserDeleted("ada"))
    ada.work_until_quiet()
    ada.publish(late)
    ada.work_until_quiet()

    hand = UserSignedUp("ada", name="Ada Lovelace", id="hand")
    assert ada.publish(late, hand) == [
        Receipt(source="host", id="late", is_new=False),
        Receipt(source="host", id="hand", is_new=False),
    ]
    for other in (
        ConfigChanged("ada", "slack", fields={"mention": "else"}, id="late"),
        UserSignedUp("ada", name="Somebody", id="hand"),
    ):
        with pytest.raises(IdConflict):
            ada.publish(other)


# --- trouble ----------------------------------------------------------------------------------------------------------


def fault(route: str, **how: Any) -> Fault:
    return Fault(**{"route": route, "times": 1, **how})


@pytest.mark.parametrize(
    "faults",
    [
        [fault("delete_account", times=5)],
        [fault("read_account")],
        [fault("delete_account", answer=Answer.TIMEOUT, effect=Effect.DONE)],
        [fault("delete_account", answer=Answer.TIMEOUT, effect=Effect.LATER, later_seconds=40)],
        [fault("delete_account", answer=Answer.TRUNCATED)],
        [fault("delete_account", answer=Answer.THROTTLE)],
        [fault("delete_account", answer=Answer.NORMAL), fault("read_account", answer=Answer.HTML)],
    ],
)
def test_a_deletion_is_tried_until_a_read_confirms_it(ada: World, faults: list[Fault]) -> None:
    ada.sandbox.add_faults(*faults)
    deletion = UserDeleted("ada")
    ada.publish(deletion)
    ada.work_until_quiet()

    assert ada.event(deletion)["status"] == "done"
    assert ada.row("deletions")["confirmed_at"] is not None
    assert ada.truth()["accounts"] == {}
    assert personal(ada) == set()


def test_a_deletion_is_never_given_up(ada: World) -> None:
    ada.sandbox.add_faults(fault("delete_account", times=None))
    deletion = UserDeleted("ada")
    ada.publish(deletion)
    for _ in range(6):
        ada.work()
        ada.clock.pass_time(24 * 3600)
    row = ada.event(deletion)
    assert (row["status"], row["move"]) == ("pending", "provider")

    ada.sandbox.clear_faults()
    ada.work_until_quiet()
    assert ada.event(deletion)["status"] == "done"
    assert ada.truth()["accounts"] == {}


def test_what_a_delayed_upsert_makes_again_is_deleted_again_and_confirmed_anew(ada: World) -> None:
    late = fault("upsert_account", answer=Answer.TIMEOUT, effect=Effect.LATER, later_seconds=30)
    ada.sandbox.add_faults(late)
    ada.publish(UserSignedUp("ada", name="Countess", udf={}))
    ada.work()
    ada.publish(UserDeleted("ada"))
    ada.work()
    first = ada.row("deletions")["gone_at"]
    assert first is not None
    ada.work_until_quiet()

    receipt = ada.row("deletions")
    assert receipt["gone_at"] > first
    assert receipt["confirmed_at"] > receipt["gone_at"]
    assert [each.kind for each in ada.sandbox.effects() if each.kind.startswith("account_")][-3:] == [
        "account_deleted",
        "account_created",
        "account_deleted",
    ]
    assert ada.truth()["accounts"] == {}
    assert personal(ada) == set()


def test_connections_wait_while_their_account_is_being_deleted(ada: World) -> None:
    ada.sandbox.add_faults(fault("delete_account", times=3))
    change = ConfigChanged("ada", "hubspot", fields={"pipeline": "default"})
    ada.publish(UserDeleted("ada"), change)
    ada.work()
    assert ada.event(change)["status"] == "pending"
    ada.work_until_quiet()

    assert ada.event(change)["status"] == "superseded"
    assert set(ada.calls()) == {"delete_account", "read_account"}


@pytest.mark.parametrize("method", ["DELETE", "GET"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_worker_that_dies_in_the_middle_leaves_nothing_undone(
    ada: World, method: str, moment: str, waits: bool
) -> None:
    ada.publish(UserDeleted("ada"))
    if waits:  # it dies over the second look
        ada.work()
        ada.clock.pass_time(ada.settings.delayed_write_seconds + 1)
    hook = Once(method, die)
    try:
        workers_over(ada, Wire(ada, **{moment: hook})).attempt("ada")
    except Died:
        assert hook.is_done
    ada.clock.pass_time(ada.settings.lease_ttl.total_seconds() + 1)
    ada.work_until_quiet()

    assert ada.row("deletions")["confirmed_at"] is not None
    assert ada.row("linked_accounts")["status"] == "deleted"
    assert ada.rows("work") == ada.rows("checks") == ada.rows("events", status="pending") == []
    assert ada.truth()["accounts"] == {}
    assert personal(ada) == set()


# --- notifications and hands ------------------------------------------------------------------------------------------


def wish(world: World, slug: str) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            tables.checks.insert().values(linked_account_id="ada", slug=slug, due_at=world.clock(), reason="a hint")
        )


@pytest.mark.parametrize("slug", ["", "slack"])
def test_an_account_made_anew_by_hand_stays_deleted_here_and_the_receipt_says_so(ada: World, slug: str) -> None:
    ada.publish(UserDeleted("ada"))
    ada.work_until_quiet()
    ada.client.upsert_account("ada", name="Ada Lovelace", udf={"title": "Countess"})
    ada.sandbox.connect("ada", "slack", identifier="ada@example.com")
    ada.calls()
    wish(ada, slug)
    ada.work_until_quiet()

    assert ada.calls() == ["read_account"]
    assert ada.mirror() == {"accounts": {}, "connections": {}, "configs": {}}
    assert "again" in ada.row("deletions")["note"]
    assert personal(ada) == set()
    assert list(ada.truth()["accounts"]) == ["ada"]

    ada.publish(UserDeleted("ada"))  # the way out that the note tells
    ada.work_until_quiet()
    assert ada.truth()["accounts"] == {}
    assert ada.row("deletions")["note"] is None


def test_sign_ups_that_are_refused_do_not_hold_up_a_deletion(ada: World) -> None:
    ada.sandbox.add_faults(fault("upsert_account", status=400, times=2), fault("upsert_account", times=None))
    refused = [UserSignedUp("ada", name="Countess", udf={}), UserSignedUp("ada", name="Byron", udf={})]
    ada.publish(*refused)
    ada.work()
    assert any(row["alone"] for row in ada.rows("events", status="pending"))
    deletion = UserDeleted("ada")
    ada.publish(deletion)
    ada.work()

    assert ada.event(deletion)["status"] == "done"
    assert ada.rows("events", status="pending") == []
    assert personal(ada) == set()
