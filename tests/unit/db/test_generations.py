"""Which events a deletion ends."""

from typing import Any

import pytest

from cobalt_mirror.db.generations import Generation
from cobalt_mirror.db.log import Place
from cobalt_mirror.events import EventType
from tests.unit.entries import MICROSECOND, NOON, at, logged
from tests.unit.handlers.subjects import receipt

BEFORE, SAME, AFTER = NOON - MICROSECOND, NOON, NOON + MICROSECOND
SIGN_UP, DELETION = EventType.USER_SIGNED_UP, EventType.USER_DELETED
#: Events of a connection.
OTHERS = sorted(set(EventType) - {SIGN_UP, DELETION})


def generation(begun_at: float | None = None, *, ended: int | None = None, number: int | None = None) -> Generation:
    """A generation that ended at noon, and the sign-up with which the next one began; the numbers of both."""
    begun = None if begun_at is None else logged(SIGN_UP, "m", begun_at, number=number)
    return Generation(deletion=receipt(0, number=ended), begun=begun)


def is_over(of: Generation, type_: EventType, place: Place) -> bool:
    """Whether an event is over; when its row was recorded makes no difference, as no receipt keeps that."""
    occurred_at, number, id_, source = place
    answers = {of.is_over_for(type_, (occurred_at, number, at(second), id_, source)) for second in (-1_000, 1_000)}
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize("type_", EventType)
@pytest.mark.parametrize("begun_at", [None, 10.0], ids=["no new generation", "a new generation"])
@pytest.mark.parametrize("occurred_at", [BEFORE, SAME], ids=["before", "in the same moment"])
def test_what_occurred_until_the_deletion_is_over(type_: EventType, begun_at: float | None, occurred_at: Any) -> None:
    for id_ in ("a", "d", "z"):
        assert is_over(generation(begun_at), type_, (occurred_at, 0, id_, "host"))


@pytest.mark.parametrize("type_", [SIGN_UP, DELETION])
@pytest.mark.parametrize("begun_at", [None, 10.0], ids=["no new generation", "a new generation"])
@pytest.mark.parametrize("occurred_at", [AFTER, at(9), at(10), at(11)])
def test_what_happens_to_the_account_after_the_deletion_counts(
    type_: EventType, begun_at: float | None, occurred_at: Any
) -> None:
    assert is_over(generation(begun_at), type_, (occurred_at, 0, "a", "host")) is False


#: The number of the deletion, that of a sign-up of the same moment, and whether that one is over with it.
SAME_MOMENT = [
    pytest.param(5, 4, True, id="inserted before it"),
    pytest.param(5, 5, True, id="of its number"),
    pytest.param(5, 6, False, id="inserted after it"),
    pytest.param(9, 10, False, id="numbers are not compared as texts"),
    pytest.param(5, 0, True, id="from before there were numbers"),
    pytest.param(None, 1, False, id="only the deletion is from before there were numbers"),
    pytest.param(None, 0, True, id="both are from before there were numbers"),
]


@pytest.mark.parametrize(("ended", "number", "expected"), SAME_MOMENT)
@pytest.mark.parametrize("id_", ["a", "d", "z"])
def test_of_the_moment_of_the_deletion_the_order_of_insertion_decides(
    ended: int | None, number: int, id_: str, *, expected: bool
) -> None:
    for type_ in (SIGN_UP, DELETION):
        assert is_over(generation(ended=ended), type_, (NOON, number, id_, "a")) is expected


#: When the next generation began, an event's place, and whether the event is of the generation that ended or of none.
ROWS = [
    pytest.param(generation(), (AFTER, 0, "a", "host"), True, id="no new generation: just after the deletion"),
    pytest.param(generation(), (at(1_000), 0, "a", "host"), True, id="no new generation: long after the deletion"),
    pytest.param(generation(10), (AFTER, 0, "a", "host"), True, id="between deletion and sign-up"),
    pytest.param(generation(10), (at(10) - MICROSECOND, 0, "m", "host"), True, id="a microsecond before the sign-up"),
    pytest.param(generation(10), (at(10), 0, "l", "host"), True, id="in its moment, with a lower id"),
    pytest.param(generation(10), (at(10), 0, "n", "host"), False, id="in its moment, with a higher id"),
    pytest.param(generation(10), (at(10), 0, "m", "g"), True, id="in its moment, with its id, of a lower source"),
    pytest.param(generation(10), (at(10), 0, "m", "host"), False, id="in its moment, with its id and source"),
    pytest.param(generation(10), (at(10), 0, "m", "i"), False, id="in its moment, with its id, of a higher source"),
    pytest.param(generation(10, number=5), (at(10), 4, "z", "z"), True, id="in its moment, inserted before it"),
    pytest.param(generation(10, number=5), (at(10), 6, "a", "a"), False, id="in its moment, inserted after it"),
    pytest.param(
        generation(0, ended=5, number=7), (NOON, 6, "z", "z"), True, id="all in one moment, before the sign-up"
    ),
    pytest.param(generation(0, ended=5, number=7), (NOON, 8, "a", "a"), False, id="all in one moment, after it"),
    pytest.param(generation(10), (at(10) + MICROSECOND, 0, "a", "host"), False, id="a microsecond after the sign-up"),
    pytest.param(generation(10), (at(1_000), 0, "a", "host"), False, id="long after the sign-up"),
]


@pytest.mark.parametrize(("of", "place", "expected"), ROWS)
@pytest.mark.parametrize("type_", OTHERS)
def test_what_happens_to_a_connection_counts_from_the_sign_up_on(
    type_: EventType, of: Generation, place: Place, expected: bool
) -> None:
    assert is_over(of, type_, place) is expected
