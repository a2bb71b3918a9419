"""A deletion among failures: it is tried until a read confirms it, and is carried out once."""

from http import HTTPStatus
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Effect, Fault
from cobalt_mirror.db import tables
from cobalt_mirror.events import (
    ConfigChanged,
    UserDeleted,
    UserSignedUp,
)
from tests.integration.journey.wires import Died, Once, Wire, die, workers_over
from tests.integration.offboarding.customer import personal
from tests.world import World


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


def test_a_deletion_is_not_believed_while_everybody_is_denied(world: World) -> None:
    names = ["a", "b", "c", "d", "e"]
    world.publish(*(UserSignedUp(name, name=name, udf={}) for name in names))
    world.work_until_quiet()
    world.clock.pass_time(120)
    world.sandbox.add_faults(
        Fault(path="/api/v2/public/linked-account*", status=HTTPStatus.NOT_FOUND, error="SERVER_ERROR"),
        Fault(status=HTTPStatus.BAD_REQUEST, error="INVALID_LINKED_ACCOUNT_ID"),
    )
    deletions = [UserDeleted(name) for name in names]
    world.publish(*deletions)
    world.work_for(90)
    assert world.statuses(deletions) == ["pending"] * len(names)
    assert world.rows("deletions") == []

    world.sandbox.clear_faults()
    world.work_until_quiet()
    assert world.statuses(deletions) == ["done"] * len(names)
    assert world.truth()["accounts"] == {}
    assert [row["confirmed_at"] is not None for row in world.rows("deletions")] == [True] * len(names)


def test_an_account_that_was_deleted_by_hand_is_looked_at_for_fifteen_seconds(ada: World) -> None:
    ada.sandbox.delete_account("ada")
    deletion = UserDeleted("ada")
    ada.publish(deletion)
    ada.work_for(14)
    assert ada.event(deletion)["status"] == "pending"

    ada.work_for(2)
    assert ada.event(deletion)["status"] == "done"
    ada.work_until_quiet()
    assert ada.row("deletions")["confirmed_at"] is not None
    assert personal(ada) == set()
    assert ada.rows("denials") == []


def test_a_deletion_is_not_done_before_a_read_says_that_the_account_is_gone(ada: World) -> None:
    ada.sandbox.add_faults(fault("read_account", answer=Answer.HTML))
    deletion = UserDeleted("ada")
    ada.publish(deletion)
    ada.work()

    assert ada.truth()["accounts"] == {}
    assert ada.event(deletion)["status"] == "pending"
    assert ada.rows("deletions") == []


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
