"""What a host and an operator read of the event log."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db import list_events, tables
from cobalt_mirror.db.reads import count_events, find_oldest_waiting
from cobalt_mirror.db.statuses import EventStatus
from tests.integration.db.rows import NOON, add


def event_of(id_: str, minute: int, **changes: Any) -> dict[str, Any]:
    moment = NOON + timedelta(minutes=minute)
    whole = {"type": "user_signed_up", "linked_account_id": "acme", "occurred_at": moment, "recorded_at": moment}
    return {"id": id_, **whole, **changes}


@pytest.fixture
def log(engine: Engine) -> Engine:
    add(
        engine,
        tables.events,
        event_of("a", 2, status="dead", move="customer", last_error="reconnect", payload={"name": "private"}),
        event_of("b", 2),
        event_of("c", 1, linked_account_id="other", status="done", detail="fine"),
        event_of("d", 3, linked_account_id="other"),
        event_of("e", 0, status="dead", move="operator"),
    )
    return engine


def test_events_come_newest_first_of_one_account_of_one_status_or_all(log: Engine) -> None:
    with log.connect() as connection:
        assert [one.id for one in list_events(connection)] == ["d", "b", "a", "c", "e"]
        assert [one.id for one in list_events(connection, limit=2)] == ["d", "b"]
        assert [one.id for one in list_events(connection, "acme")] == ["b", "a", "e"]
        assert [one.id for one in list_events(connection, status=EventStatus.DEAD)] == ["a", "e"]
        assert [one.id for one in list_events(connection, "other", status=EventStatus.PENDING)] == ["d"]
        assert list_events(connection, "nobody") == []


def test_an_event_s_state_tells_who_has_to_act_and_not_what_it_carries(log: Engine) -> None:
    with log.connect() as connection:
        (dead, _) = list_events(connection, status=EventStatus.DEAD)

    assert (dead.move, dead.last_error, dead.attempts) == ("customer", "reconnect", 0)
    assert dead.occurred_at == NOON + timedelta(minutes=2)
    assert "private" not in repr(dead)


def test_events_are_counted_by_status_and_by_whose_move_it_is(log: Engine) -> None:
    with log.connect() as connection:
        assert count_events(connection) == {
            ("dead", "customer"): 1,
            ("dead", "operator"): 1,
            ("done", None): 1,
            ("pending", None): 2,
        }


def test_the_oldest_that_waits_is_found_by_when_it_came(log: Engine) -> None:
    with log.connect() as connection:
        assert find_oldest_waiting(connection) == NOON + timedelta(minutes=2)
        connection.execute(tables.events.delete())
        assert find_oldest_waiting(connection) is None
        assert count_events(connection) == {}
