"""A customer leaves: gone at Cobalt, confirmed twice, nothing personal left here, and a receipt."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.tables import events
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
from tests.integration.offboarding.customer import at, personal
from tests.world import World

DELETION_CALLS = ["delete_account", "read_account"]


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


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_deletion_that_cobalt_refuses_is_tried_until_it_is_carried_out(world: World, status: int) -> None:
    world.publish(UserSignedUp("ada", name="Ada", udf={}))
    world.work()
    world.sandbox.add_faults(Fault(route="delete_account", status=status, times=9))
    deletion, newer = UserDeleted("ada"), UserSignedUp("ada", name="Ada again", udf={})
    world.publish(deletion, newer)
    for _ in range(5):
        world.work()
        world.clock.pass_time(timedelta(days=1).total_seconds())

    waits = world.event(deletion)
    assert (waits["status"], waits["move"], waits["attempts"]) == ("pending", "operator", 5)
    assert str(status) in waits["last_error"]
    assert world.event(newer)["status"] == "pending"
    assert world.truth()["accounts"]["ada"][0] == "Ada"

    world.work_until_quiet()

    assert world.statuses([deletion, newer]) == ["done", "done"]
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"]["ada"][0] == "Ada again"


def test_the_test_user_stays_until_the_operator_withdraws_its_deletion(world: World) -> None:
    world.publish(UserSignedUp("test_user", name="Tester", udf={}))
    world.work_until_quiet()
    deletion, renamed = UserDeleted("test_user"), UserSignedUp("test_user", name="New")
    change = ConfigChanged("test_user", "slack", fields={"mention": "@a"})
    world.publish(deletion, renamed, change)
    world.work()

    waits = world.event(deletion)
    assert (waits["status"], waits["move"]) == ("pending", "operator")
    with world.engine.begin() as connection:
        connection.execute(delete(events).where(events.c.id == deletion.id))
    world.work_until_quiet()
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
