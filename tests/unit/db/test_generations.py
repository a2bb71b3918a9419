"""Which events a deletion ends."""

from typing import Any

import pytest

from cobalt_mirror.db.generations import Generation
from cobalt_mirror.events import EventType
from tests.unit.entries import MICROSECOND, NOON, at, logged
from tests.unit.handlers.subjects import receipt

BEFORE, SAME, AFTER = NOON - MICROSECOND, NOON, NOON + MICROSECOND
SIGN_UP, DELETION = EventType.USER_SIGNED_UP, EventType.USER_DELETED
#: Events of a connection.
OTHERS = sorted(set(EventType) - {SIGN_UP, DELETION})


def generation(begun_at: float | None = None, *, id_: str = "m", source: str = "host") -> Generation:
    """A generation that ended at noon, and the sign-up with which the next one began."""
    begun = None if begun_at is None else logged(SIGN_UP, id_, begun_at, source=source)
    return Generation(deletion=receipt(0), begun=begun)


@pytest.mark.parametrize("type_", EventType)
@pytest.mark.parametrize("begun_at", [None, 10.0], ids=["no new generation", "a new generation"])
@pytest.mark.parametrize("occurred_at", [BEFORE, SAME], ids=["before", "in the same moment"])
def test_what_occurred_until_the_deletion_is_over(type_: EventType, begun_at: float | None, occurred_at: Any) -> None:
    for id_ in ("a", "d", "z"):
        assert generation(begun_at).is_over_for(type_, (occurred_at, id_, "host"))


@pytest.mark.parametrize("type_", [SIGN_UP, DELETION])
@pytest.mark.parametrize("begun_at", [None, 10.0], ids=["no new generation", "a new generation"])
@pytest.mark.parametrize("occurred_at", [AFTER, at(9), at(10), at(11)])
def test_what_happens_to_the_account_after_the_deletion_counts(
    type_: EventType, begun_at: float | None, occurred_at: Any
) -> None:
    assert generation(begun_at).is_over_for(type_, (occurred_at, "a", "host")) is False


#: When the next generation began, an event's place, and whether the event is of the generation that ended or of none.
ROWS = [
    pytest.param(generation(), (AFTER, "a", "host"), True, id="no new generation: just after the deletion"),
    pytest.param(generation(), (at(1_000), "a", "host"), True, id="no new generation: long after the deletion"),
    pytest.param(generation(10), (AFTER, "a", "host"), True, id="between deletion and sign-up"),
    pytest.param(generation(10), (at(10) - MICROSECOND, "m", "host"), True, id="a microsecond before the sign-up"),
    pytest.param(generation(10), (at(10), "l", "host"), True, id="in its moment, with a lower id"),
    pytest.param(generation(10), (at(10), "n", "host"), False, id="in its moment, with a higher id"),
    pytest.param(generation(10), (at(10), "m", "g"), True, id="in its moment, with its id, of a lower source"),
    pytest.param(generation(10), (at(10), "m", "host"), False, id="in its moment, with its id and source"),
    pytest.param(generation(10), (at(10), "m", "i"), False, id="in its moment, with its id, of a higher source"),
    pytest.param(generation(10), (at(10) + MICROSECOND, "a", "host"), False, id="a microsecond after the sign-up"),
    pytest.param(generation(10), (at(1_000), "a", "host"), False, id="long after the sign-up"),
]


@pytest.mark.parametrize(("of", "order", "expected"), ROWS)
@pytest.mark.parametrize("type_", OTHERS)
def test_what_happens_to_a_connection_counts_from_the_sign_up_on(
    type_: EventType, of: Generation, order: tuple[Any, str, str], expected: bool
) -> None:
    assert of.is_over_for(type_, order) is expected
