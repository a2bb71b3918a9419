"""Which dead events a filter means, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from cobalt_mirror.db.dead_letters import DeadFilter, count_dead, list_dead
from cobalt_mirror.db.statuses import Move
from cobalt_mirror.db.tables import events
from tests.world import World

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DEAD: dict[str, Any] = {
    "status": "dead",
    "type": "config_changed",
    "linked_account_id": "acme",
    "slug": "slack",
    "move": "operator",
    "last_error": "no",
    "finished_at": NOON,
}
#: By id: how each differs from that.
ROWS: dict[str, dict[str, Any]] = {
    "first": {"finished_at": NOON - timedelta(days=2)},
    "unsaid": {"move": None, "finished_at": NOON - MICROSECOND},
    "typo": {"move": "customer", "slug": "jira", "last_error": "422: NO_such% value"},
    "user": {"move": "provider", "slug": None, "type": "user_signed_up", "linked_account_id": "bob"},
    "done": {"status": "done"},
    "discarded": {"status": "discarded"},
}
#: The filter, and the ids of the events that meet it, those first that died first.
FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["first", "unsaid", "typo", "user"]),
    ({"move": Move.OPERATOR}, ["first", "unsaid"]),
    ({"move": Move.CUSTOMER}, ["typo"]),
    ({"move": Move.PROVIDER}, ["user"]),
    ({"type": "user_signed_up"}, ["user"]),
    ({"slug": "jira"}, ["typo"]),
    ({"account": "bob"}, ["user"]),
    ({"reason": "no"}, ["first", "unsaid", "typo", "user"]),
    ({"reason": "no_SUCH%"}, ["typo"]),
    ({"reason": "no%s"}, []),
    ({"since": NOON}, ["typo", "user"]),
    ({"since": NOON - MICROSECOND}, ["unsaid", "typo", "user"]),
    ({"since": NOON + MICROSECOND}, []),
    ({"slug": "slack", "since": NOON - MICROSECOND}, ["unsaid"]),
]


@pytest.fixture
def log(world: World) -> World:
    with world.engine.begin() as connection:
        for id_, columns in ROWS.items():
            connection.execute(insert(events).values(id=id_, **{**DEAD, **columns}))
    return world


def test_each_filter_means_what_it_says(log: World) -> None:
    with log.engine.begin() as connection:
        found = [
            ([letter.id for letter in list_dead(connection, DeadFilter(**wanted), limit=9)], wanted)
            for wanted, _ in FILTERS
        ]
        numbers = [count_dead(connection, DeadFilter(**wanted)) for wanted, _ in FILTERS]

    assert found == [(ids, wanted) for wanted, ids in FILTERS]
    assert numbers == [len(ids) for _, ids in FILTERS]


def test_a_limit_takes_those_that_died_first(log: World) -> None:
    with log.engine.begin() as connection:
        letters = list_dead(connection, DeadFilter(), limit=2)

    assert [(letter.id, letter.move) for letter in letters] == [("first", "operator"), ("unsaid", "operator")]
