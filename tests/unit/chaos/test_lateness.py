"""A customer who has to wait does everything later, in the same order."""

from cobalt_mirror.events import ConnectionRemoved
from tests.chaos.lateness import AGAIN_SECONDS, TRIES, Lateness
from tests.chaos.steps import ByHand, Planned, Publish


def connect(at: float, *, account: str = "acme", insists: bool = True) -> ByHand:
    return ByHand(at=at, action="connect", arguments={"linked_account_id": account}, insists=insists)


def removal(at: float, *, account: str = "acme") -> Publish:
    fields = {"linked_account_id": account, "slug": "slack"}
    return Publish(at=at, events=(Planned(kind=ConnectionRemoved, id="1", occurred=at - 1, fields=fields),))


def test_what_a_customer_does_later_is_late_by_as_much() -> None:
    lateness = Lateness(duration=60)
    again = lateness.wait(connect(5))
    assert again is not None
    lateness.wait(again)
    late = lateness.catch_up(removal(6))

    assert isinstance(late, Publish)
    assert (again.at, again.tries) == (5 + AGAIN_SECONDS, 1)
    assert (late.at, late.events[0].occurred) == (6 + 2 * AGAIN_SECONDS, 5 + 2 * AGAIN_SECONDS)
    assert lateness.catch_up(late) == late


def test_what_comes_after_a_step_that_was_done_behind_its_time_is_late_by_as_much() -> None:
    lateness = Lateness(duration=60)
    step = connect(5)
    lateness.note_done(step, 25.5)
    late = lateness.catch_up(removal(6))

    assert isinstance(late, Publish)
    assert (late.at, late.events[0].occurred) == (6 + 20.5, 5 + 20.5)
    lateness.note_done(connect(7).put_off(20.5), 27.75)  # a quarter of a second behind the time that it has by now
    assert lateness.catch_up(removal(8)).at == 8 + 20.75
    lateness.note_done(connect(9, insists=False), 59)
    assert lateness.catch_up(removal(8)).at == 8 + 20.75


def test_others_are_not_late() -> None:
    lateness = Lateness(duration=60)
    lateness.wait(connect(5))

    assert lateness.catch_up(removal(6, account="bolt")) == removal(6, account="bolt")
    assert lateness.catch_up(connect(6, insists=False)) == connect(6, insists=False)


def test_two_steps_that_wait_at_once_make_the_customer_late_once() -> None:
    lateness = Lateness(duration=60)
    for step in (connect(5), removal(5)):
        lateness.wait(step)

    assert lateness.catch_up(removal(6)).at == 6 + AGAIN_SECONDS


def test_what_was_tried_often_enough_is_given_up_and_so_is_everything_at_the_end() -> None:
    lateness = Lateness(duration=60)
    step: Publish | ByHand = connect(5)
    for _ in range(TRIES):
        again = lateness.wait(step)
        assert again is not None
        step = again

    assert lateness.wait(step) is None
    assert lateness.wait(connect(60)) is None
    assert lateness.wait(connect(5, insists=False)) is None
