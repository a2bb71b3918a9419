"""The one form of a time, and what of a value a database takes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.types import TypeEngine

from cobalt_mirror.db.columns import Id, Json, OneOf, UtcDateTime, Words, storable, stored_time
from cobalt_mirror.db.statuses import ConnectionStatus

BERLIN = timezone(timedelta(hours=1))
SQLITE, POSTGRESQL = (make_url(url).get_dialect()() for url in ("sqlite://", "postgresql+psycopg://"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00.000000Z", id="a whole second"),
        pytest.param(datetime(2026, 1, 31, 12, 0, 0, 1, UTC), "2026-01-31T12:00:00.000001Z", id="a microsecond later"),
        pytest.param(datetime(2026, 1, 31, 13, tzinfo=BERLIN), "2026-01-31T12:00:00.000000Z", id="another time zone"),
        pytest.param(datetime(2026, 2, 1, tzinfo=BERLIN), "2026-01-31T23:00:00.000000Z", id="another day there"),
    ],
)
def test_a_time_has_one_form(value: datetime | None, expected: str | None) -> None:
    assert stored_time(value) == expected
    assert UtcDateTime().process_bind_param(value, SQLITE) == expected
    assert UtcDateTime().process_result_value(expected, SQLITE) == value
    assert UtcDateTime().process_bind_param(value, POSTGRESQL) == value
    assert UtcDateTime().process_result_value(value, POSTGRESQL) == value


def test_a_time_comes_out_in_utc_and_goes_in_with_a_time_zone() -> None:
    there = datetime(2026, 1, 31, 13, tzinfo=BERLIN)
    for kept in (
        UtcDateTime().process_bind_param(there, POSTGRESQL),
        UtcDateTime().process_result_value(there, POSTGRESQL),
    ):
        assert kept is not None
        assert kept.tzinfo is UTC
    for dialect in (SQLITE, POSTGRESQL):
        with pytest.raises(ValueError, match="time zone"):
            UtcDateTime().process_bind_param(datetime(2026, 1, 31), dialect)  # noqa: DTZ001 - that is the point


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("", "", id="an empty text"),
        pytest.param("Ünï ☃", "Ünï ☃", id="a text"),
        pytest.param("a\nb\x01", "a\nb\x01", id="other control characters"),
        pytest.param("a\0b\0", "a\ufffdb\ufffd", id="NUL"),
        pytest.param("\ud7ff", "\ud7ff", id="just below the surrogates"),
        pytest.param("\ud800", "\ufffd", id="the first surrogate"),
        pytest.param("\udfff", "\ufffd", id="the last surrogate"),
        pytest.param("\ue000", "\ue000", id="just above the surrogates"),
        pytest.param(0, 0, id="zero"),
        pytest.param(1.5, 1.5, id="a number"),
        pytest.param(True, True, id="a truth"),
        pytest.param(NAN, None, id="not a number"),
        pytest.param(INFINITY, None, id="infinity"),
        pytest.param(-INFINITY, None, id="minus infinity"),
        pytest.param([], [], id="an empty list"),
        pytest.param(["a\0", 1, NAN], ["a\ufffd", 1, None], id="a list"),
        pytest.param(("a\0",), ["a\ufffd"], id="a tuple"),
        pytest.param({}, {}, id="an empty object"),
        pytest.param({"k\0": {"x": ["\ud800"]}}, {"k\ufffd": {"x": ["\ufffd"]}}, id="an object within another"),
    ],
)
def test_what_no_database_takes_is_replaced(value: Any, expected: Any) -> None:
    assert storable(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, None, id="none"),
        pytest.param({}, "{}", id="an empty object"),
        pytest.param({"a": [1, "ü"]}, '{"a":[1,"ü"]}', id="an object"),
        pytest.param([NAN], "[null]", id="not a number"),
        pytest.param(NAN, None, id="nothing but not a number"),
        pytest.param("text", '"text"', id="a text"),
    ],
)
def test_json_is_text_on_sqlite(value: Any, text: str | None) -> None:
    assert Json().process_bind_param(value, SQLITE) == text
    assert Json().process_result_value(text, SQLITE) == storable(value)
    assert Json().process_bind_param(value, POSTGRESQL) == storable(value)
    assert Json().process_result_value(storable(value), POSTGRESQL) == storable(value)


def test_words_of_others_lose_what_cannot_be_stored() -> None:
    assert [Words().process_bind_param(value, SQLITE) for value in (None, "a\0")] == [None, "a\ufffd"]


@pytest.mark.parametrize("member", [None, *ConnectionStatus])
def test_a_member_of_a_closed_set_is_its_plain_text(member: ConnectionStatus | None) -> None:
    column, text = OneOf(ConnectionStatus), None if member is None else str(member)

    assert column.process_bind_param(text, SQLITE) == text
    assert type(column.process_bind_param(member, POSTGRESQL)) in {str, type(None)}
    assert column.process_result_value(text, SQLITE) is member


@pytest.mark.parametrize("word", ["", "Connected", "gone"])
def test_a_word_outside_of_a_closed_set_is_refused(word: str) -> None:
    for convert in (OneOf(ConnectionStatus).process_bind_param, OneOf(ConnectionStatus).process_result_value):
        with pytest.raises(ValueError, match="ConnectionStatus"):
            convert(word, SQLITE)


@pytest.mark.parametrize(
    ("column", "on_sqlite", "on_postgresql"),
    [
        pytest.param(UtcDateTime(), "TEXT", "TIMESTAMP WITH TIME ZONE", id="a time"),
        pytest.param(Json(), "TEXT", "JSONB", id="JSON"),
        pytest.param(Words(), "TEXT", "TEXT", id="words of others"),
        pytest.param(OneOf(ConnectionStatus), "TEXT", "TEXT", id="a member of a closed set"),
        pytest.param(Id(), "TEXT", 'TEXT COLLATE "C"', id="an id"),
    ],
)
def test_a_column_has_its_type_on_each_database(column: TypeEngine[Any], on_sqlite: str, on_postgresql: str) -> None:
    assert (column.compile(SQLITE), column.compile(POSTGRESQL)) == (on_sqlite, on_postgresql)
