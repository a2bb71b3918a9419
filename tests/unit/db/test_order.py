"""The order of a subject's events: by time, and of one time in the order in which the schema numbered their rows."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cobalt_mirror.db.log import LoggedEvent
from cobalt_mirror.events import EventType
from tests.unit.entries import MICROSECOND, NOON, logged


def row(id_: str = "m", **columns: Any) -> LoggedEvent:
    return logged(EventType.CONFIG_CHANGED, id_, **columns)


LATER = NOON + MICROSECOND

#: An event, and one that comes after it.
PAIRS = [
    pytest.param(row(number=9), row(number=1, occurred_at=NOON + MICROSECOND), id="time counts first"),
    pytest.param(row(number=9), row(occurred_at=NOON + MICROSECOND), id="time counts first, with a number and without"),
    pytest.param(row("z", number=1), row("a", number=2), id="then the number, not the id"),
    pytest.param(row("z", number=9), row("a", number=10), id="numbers are not compared as texts"),
    pytest.param(row(number=1, source="shop"), row(number=2, source="billing"), id="nor the source"),
    pytest.param(row("z"), row("a", number=1), id="a row from before there were numbers is older"),
    pytest.param(row(source="shop"), row(number=1, source="billing"), id="also of another source"),
    pytest.param(row("z", recorded_at=NOON), row("a", recorded_at=LATER), id="two from before go by when recorded"),
    pytest.param(row("z", number=1, recorded_at=LATER), row("a", number=2, recorded_at=NOON), id="not so with numbers"),
    pytest.param(row("z", recorded_at=LATER), row("a", number=1, recorded_at=NOON), id="nor if one has a number"),
    pytest.param(row("a"), row("b"), id="two from before, recorded at once, go by their ids"),
    pytest.param(row("a", source="shop"), row("b", source="billing"), id="whatever their sources"),
    pytest.param(row(source="billing"), row(source="shop"), id="two from before with one id go by their sources"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_one_event_comes_after_another(first: LoggedEvent, second: LoggedEvent) -> None:
    assert first.order < second.order


def test_all_orders_of_some_rows_are_sorted_alike() -> None:
    wanted = [row("b"), row("c"), row("z", number=1), row("a", number=2), row("m", number=3)]

    for rows in permutations(wanted):
        assert sorted(rows, key=lambda each: each.order) == wanted


@given(ids=st.permutations([f"id {number}" for number in range(6)]), seconds=st.lists(st.integers(0, 1), min_size=6))
def test_a_shuffle_of_ids_changes_nothing(ids: list[str], seconds: list[int]) -> None:
    times = [(second, number) for number, second in enumerate(seconds[:6], start=1)]
    rows = [row(id_, second=second, number=number) for id_, (second, number) in zip(ids, times, strict=True)]

    assert [each.number for each in sorted(rows, key=lambda each: each.order)] == [
        number for _, number in sorted(times)
    ]
