"""What waits, and why: what `status` says of Cobalt's troubles and of ours, however few customers there are."""

from collections.abc import Callable
from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.waiting import find_longest_due, find_longest_waiting, find_retrying
from cobalt_mirror.events import UserSignedUp
from tests.world import TEST_KEY, World

ANOTHER_KEY = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


def waits(world: World) -> tuple[Any, Any, Any]:
    with world.engine.begin() as connection:
        longest, due = find_longest_waiting(connection), find_longest_due(connection, world.clock())
        return longest, due, find_retrying(connection)


def test_nothing_waits_when_all_is_done(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    longest, due, retrying = waits(world)
    assert (longest.linked_account_id, longest.reason, due.linked_account_id, retrying) == ("acme", None, "acme", {})

    world.work_until_quiet()

    assert waits(world) == (None, None, {})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(Fault(status=502), "502", id="it is down"),
        pytest.param(Fault(answer=Answer.HTML, status=200), "JSON", id="a proxy answers"),
        pytest.param(Fault(answer=Answer.CLOSED), "answer", id="it does not answer"),
    ],
)
def test_a_cobalt_that_fails_for_two_customers_is_told_with_the_reason(world: World, fault: Fault, words: str) -> None:
    world.sandbox.add_faults(fault)
    world.publish(UserSignedUp("acme", name="Acme", udf={}), UserSignedUp("bob", name="Bob", udf={}))
    world.work()

    longest, due, retrying = waits(world)

    assert world.rows("state", key="halted") == []
    assert words.lower() in longest.reason.lower(), longest.reason
    assert due is None
    assert {move: (each.number, each.first.linked_account_id) for move, each in retrying.items()} == {
        Move.PROVIDER: (2, longest.linked_account_id)
    }


def test_a_storm_of_429_is_told_as_the_reason_why_the_oldest_event_waits(world: World) -> None:
    world.sandbox.add_faults(Fault(answer=Answer.THROTTLE))
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.attempts.attempt("acme")

    longest, _, retrying = waits(world)

    assert (longest.linked_account_id, retrying) == ("acme", {})
    assert "over Cobalt's rate limit" in longest.reason


def test_sealed_events_whose_key_is_gone_wait_for_the_operator(make_world: Callable[..., World]) -> None:
    make_world(secret_keys=TEST_KEY).publish(UserSignedUp("acme", name="Acme", udf={}, auth_credentials={"token": "t"}))
    world = make_world(secret_keys=ANOTHER_KEY)
    world.work()

    _, _, retrying = waits(world)

    assert list(retrying) == [Move.OPERATOR]
    assert "no key in MIRROR_SECRET_KEYS decrypts" in retrying[Move.OPERATOR].first.reason
