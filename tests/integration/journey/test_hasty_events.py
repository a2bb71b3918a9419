"""Many events within a second use up no look: what two answers contradict each other about is believed after a time."""

from datetime import timedelta

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
