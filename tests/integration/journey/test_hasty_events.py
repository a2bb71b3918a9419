"""Many events within a second use up no look: what two answers contradict each other about is believed after a time."""

from datetime import timedelta
from http import HTTPStatus

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.events import Event, UserSignedUp
from tests.integration.journey.customers import ACCOUNT, Customer

MANY = 6


def remove(customer: Customer) -> None:
    """Have the customer connect, and remove that again."""
    customer.connect("slack")
    customer.world.clock.pass_time(3)
    customer.authorised("slack")
    customer.world.work()
    customer.leaves("slack")
    customer.world.work()
    customer.world.clock.pass_time(0.1)
    customer.world.calls()


def test_authorisations_that_come_fast_do_not_bring_back_what_was_removed(late: Customer) -> None:
    remove(late)
    events: list[Event] = []
    for _ in range(MANY):
        events.append(late.authorised("slack"))
        late.world.work()

    rows = [late.world.event(event) for event in events]
    assert {row["status"] for row in rows} == {"pending"}
    assert {row["detail"] for row in rows} == {"Cobalt shows the connection in one answer, and not in another"}
    assert [row["looks"] for row in rows] == [1] * MANY
    late.world.work_until_quiet()
    assert "find_or_create_config" not in late.world.calls()
    assert late.world.row("connections")["status"] == "disconnected"
    assert late.world.mirror() == late.world.truth()


def test_an_answer_that_stays_as_it_is_is_believed_in_the_end(late: Customer) -> None:
    remove(late)
    late.world.sandbox.change_settings(stale_seconds=600)
    event = late.authorised("slack")
    began = late.world.clock()
    late.world.work_until_quiet()

    assert late.world.event(event)["status"] == "done"
    assert late.world.event(event)["finished_at"] - began >= timedelta(seconds=15)
    assert late.world.event(event)["looks"] == 3


def test_sign_ups_that_come_fast_do_not_bring_an_older_name_back(late: Customer) -> None:
    late.world.clock.pass_time(60)
    late.publish(UserSignedUp(ACCOUNT, name="New", occurred_at=late.world.clock()))
    late.world.work_until_quiet()
    late.publish(UserSignedUp(ACCOUNT, name="Newer", udf={}, occurred_at=late.world.clock()))
    late.world.work()
    for _ in range(MANY):
        late.publish(UserSignedUp(ACCOUNT, udf={"plan": "pro"}, occurred_at=late.world.clock()))
        late.world.work()
    late.world.work_until_quiet()

    assert late.world.truth()["accounts"][ACCOUNT][0] == "Newer"
    assert late.world.mirror() == late.world.truth()


def change_the_name(customer: Customer) -> None:
    """Have the name changed a moment ago, so that a read may still show the one before."""
    world = customer.world
    world.clock.pass_time(60)
    customer.publish(UserSignedUp(ACCOUNT, name="New", occurred_at=world.clock()))
    world.work_until_quiet()
    world.clock.pass_time(60)
    customer.publish(UserSignedUp(ACCOUNT, name="Newer", udf={}, occurred_at=world.clock()))
    world.work()
    world.clock.pass_time(0.3)


@pytest.mark.parametrize("is_beside", [False, True], ids=["before the sign-up", "beside the sign-up"])
def test_a_check_of_the_account_does_not_bring_an_older_name_back(late: Customer, *, is_beside: bool) -> None:
    world = late.world
    change_the_name(late)
    with world.engine.begin() as connection:
        record_check(connection, ACCOUNT, "", due_at=world.clock(), reason="reconciliation 1", at_once=True)
    if not is_beside:
        world.work()
        world.clock.pass_time(0.2)
    for _ in range(2):
        late.publish(UserSignedUp(ACCOUNT, udf={"plan": "pro"}, occurred_at=world.clock()))
        world.work()
        world.clock.pass_time(0.2)
    assert world.row("linked_accounts")["name"] == "Newer"
    world.work_until_quiet()

    assert world.truth()["accounts"][ACCOUNT][0] == "Newer"
    assert world.mirror() == world.truth()
    assert world.rows("checks") == []


def test_an_account_that_another_call_denied_does_not_bring_an_older_name_back(late: Customer) -> None:
    world = late.world
    late.connect("slack")
    change_the_name(late)
    world.sandbox.add_faults(
        Fault(route="read_application", times=1, status=HTTPStatus.BAD_REQUEST, error="INVALID_LINKED_ACCOUNT_ID")
    )
    late.authorised("slack")
    world.work()
    assert world.row("linked_accounts")["name"] == "Newer"
    late.publish(UserSignedUp(ACCOUNT, udf={"plan": "pro"}, occurred_at=world.clock()))
    world.work_until_quiet()

    assert world.truth()["accounts"][ACCOUNT][0] == "Newer"
    assert world.mirror() == world.truth()


def test_what_was_changed_by_hand_a_moment_ago_is_seen_in_the_end(late: Customer) -> None:
    world = late.world
    world.clock.pass_time(60)
    late.publish(UserSignedUp(ACCOUNT, name="Newer", udf={}, occurred_at=world.clock()))
    world.work()
    world.client.upsert_account(ACCOUNT, name="By hand", udf={})
    with world.engine.begin() as connection:
        record_check(connection, ACCOUNT, "", due_at=world.clock(), reason="reconciliation 1", at_once=True)
    world.work_until_quiet()

    assert world.mirror()["accounts"][ACCOUNT][0] == "By hand"
    assert world.mirror() == world.truth()
