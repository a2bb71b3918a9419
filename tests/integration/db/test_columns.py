"""Values come back from both databases as they went in, or as near to it as any database can."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from cobalt_mirror.db.columns import Id, Json, UtcDateTime, Words
from tests.effort import tries

things = Table(
    "things",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("id", Id()),
    Column("words", Words),
    Column("json", Json),
    Column("at", UtcDateTime),
)


@pytest.fixture
def connection(migrated_url: str) -> Iterator[Connection]:
    engine: Engine = create_engine(migrated_url)
    with engine.connect() as connection:  # never committed, the table included
        things.metadata.create_all(connection)
        yield connection
    engine.dispose()


def there_and_back(connection: Connection, column: str, value: Any) -> Any:
    number = connection.execute(insert(things).values({column: value})).inserted_primary_key
    assert number is not None
    return connection.execute(select(things.c[column]).where(things.c.number == number[0])).scalar_one()


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("as it is ☕ 🙂\n", "as it is ☕ 🙂\n"),
        ("", ""),
        (None, None),
        ("a\0b", "a\ufffdb"),
        ("half \ud83d of it", "half \ufffd of it"),
        ("\ude42", "\ufffd"),
    ],
)
def test_words_lose_only_what_no_database_takes(connection: Connection, given: Any, stored: Any) -> None:
    assert there_and_back(connection, "words", given) == stored
    assert there_and_back(connection, "json", {"a": [given]}) == {"a": [stored]}
    if given:
        assert there_and_back(connection, "json", {given: 1}) == {stored: 1}


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -1, 2**63 - 1, 1.5, "text", "null", "", [], {}, [None], {"a": {"b": [1, None, "☕"]}}],
)
def test_json_comes_back_as_it_was(connection: Connection, value: Any) -> None:
    back = there_and_back(connection, "json", value)

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_know_become_null(connection: Connection, number: float) -> None:
    assert there_and_back(connection, "json", {"a": [number, 1.5]}) == {"a": [None, 1.5]}


def test_no_json_is_null_in_sql(connection: Connection) -> None:
    connection.execute(insert(things).values(json=None))

    assert connection.execute(select(things.c.number).where(things.c.json.is_(None))).all()


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_a_moment_comes_back_in_utc_to_the_microsecond(connection: Connection, moment: datetime) -> None:
    back = there_and_back(connection, "at", moment)

    assert back == moment
    assert back.utcoffset() == timedelta()


def test_a_moment_without_a_zone_is_refused(connection: Connection) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        there_and_back(connection, "at", datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


def test_moments_compare_as_moments(connection: Connection) -> None:
    first = datetime(2026, 1, 31, 12, tzinfo=UTC)
    moments = [first + timedelta(microseconds=step) for step in (0, 1, 10**6 - 1, 10**6, 10**11)]
    connection.execute(insert(things), [{"at": moment} for moment in reversed(moments)])

    assert connection.execute(select(things.c.at).order_by(things.c.at)).scalars().all() == moments
    later = select(things.c.at).where(things.c.at > moments[1].astimezone(timezone(timedelta(hours=3))))
    assert len(connection.execute(later).all()) == 3


def test_ids_compare_bytewise(connection: Connection) -> None:
    ids = ["a", "B", "ä", "b", "A", "aa", "a b", "☕", "Z", "_", "1"]
    connection.execute(insert(things), [{"id": each} for each in ids])

    assert connection.execute(select(things.c.id).order_by(things.c.id)).scalars().all() == sorted(ids, key=str.encode)


@given(value=st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(50))
def test_whatever_cobalt_says_can_be_stored(connection: Connection, value: Any) -> None:
    there_and_back(connection, "json", value)
