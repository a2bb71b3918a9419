"""What the schema refuses at the INSERT, as no worker could read it, and what it takes: each bound from both sides."""

from collections.abc import Iterable, Mapping

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cobalt_mirror.db.engine import reading
from tests.integration.isolation.rows import Bad, Inserter, text
from tests.world import World

IDS = ("source", "id", "linked_account_id")
TIMES = ("occurred_at", "recorded_at", "due_at", "retrying_since", "finished_at")
FIRST, LAST = "1970-01-01T00:00:00.000000Z", "2999-12-31T23:59:59.999999Z"

Row = Mapping[str, str]
#: A column, and a value of it in SQL.
Cell = tuple[str, str]


def cells(columns: Iterable[str], *values: str) -> list[Cell]:
    return [(column, value) for column in columns for value in values]


REFUSED: list[Cell] = [
    *cells(IDS, "''", "' '", "'\t\r\n'", text("a" * 201), text("é" * 201)),
    *cells(["slug"], text("a" * 201)),
    *cells(["type"], "''", "' '", "'\t\r\n'"),
    *cells(["payload"], "'null'", "'[]'", "'\"Acme\"'", "'7'", "'true'"),
    *cells(TIMES, "'1969-12-31T23:59:59.999999Z'", "'3000-01-01T00:00:00.000000Z'", "'9999-12-31T23:59:59.999999Z'"),
    *cells(["attempts", "looks"], "-1", "1000001"),
    *cells(["move"], "'nobody'", "''"),
    *cells(["status"], "'finished'"),
]
REFUSED_BY_POSTGRESQL = cells(TIMES, "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'294276-12-31'")
REFUSED_BY_SQLITE = [
    *cells(IDS, "'a' || char(0)", "x'61'"),
    *cells(["slug", "type"], "'a' || char(0)", "x'61'"),
    *cells(["payload"], "'{not json'", "''"),
    *cells(
        TIMES,
        "'2026-02-30T12:00:00.000000Z'",
        "'2026-02-29T12:00:00.000000Z'",
        "'2026-04-31T12:00:00.000000Z'",
        "'2026-13-01T12:00:00.000000Z'",
        "'2026-01-31T24:00:00.000000Z'",
        "'2026-01-31T12:60:00.000000Z'",
        "'0000-01-01T00:00:00.000000Z'",
        "'noon'",
        "''",
        "1769860800",
        "x'00ff'",
    ),
    *cells(["attempts", "looks"], "'many'", "1.5"),
    *cells(["meant_for", "effect", "last_response"], "'{not json'"),
    *cells(["number"], "'many'"),
    *cells(["alone"], "'yes'"),
]

TAKEN: list[Row] = [
    {},
    *({column: value} for column, value in cells(IDS, "'a'", "' a '", text("a" * 200), text("é" * 200))),
    *({"slug": value} for value in ("NULL", "'slack'", text("a" * 200))),
    {"type": "'a_type_of_the_next_release'"},
    *({"payload": value} for value in ("'{}'", "' {\"a\": [null]} '")),
    *({column: f"'{value}'"} for column in TIMES for value in (FIRST, LAST, "2028-02-29T12:00:00.000000Z")),
    {"retrying_since": "NULL", "finished_at": "NULL", "move": "NULL"},
    *({column: value} for column, value in cells(["attempts", "looks"], "0", "1000000")),
    *({"move": value} for value in ("'operator'", "'provider'", "'customer'")),
    {"traceparent": "'any text'", "operator": "'ann'"},
]


def insert(connection: Connection, row: Row) -> DBAPIError | None:
    """Insert a row, and return the error if it is refused."""
    try:
        with connection.begin_nested():
            Inserter(connection).insert([Bad("row", {"linked_account_id": "'acme'", **row}, None)])
    except DBAPIError as error:
        return error
    return None


def names_column(error: DBAPIError | None, column: str) -> bool:
    """Tell whether a row was refused by a rule of ours, with a sentence or a constraint that names the column."""
    if error is None:
        return False
    is_check = getattr(error.orig, "sqlstate", "23514") == "23514"
    return is_check and any(name in str(error.orig) for name in (f"events.{column} must", f"ck_events_{column}"))


def test_each_is_refused_with_the_name_of_its_column(world: World) -> None:
    on_sqlite = world.engine.dialect.name == "sqlite"
    rows = REFUSED + (REFUSED_BY_SQLITE if on_sqlite else REFUSED_BY_POSTGRESQL)
    with world.engine.begin() as connection:
        errors = [(column, value, insert(connection, {column: value})) for column, value in rows]

    assert [(column, value[:40], error) for column, value, error in errors if not names_column(error, column)] == []
    assert world.rows("events") == []


def test_what_is_meant_well_is_taken(world: World) -> None:
    with world.engine.begin() as connection:
        errors = [(row, insert(connection, row)) for row in TAKEN]

    assert [(row, error) for row, error in errors if error is not None] == []
    assert len(world.rows("events")) == len(TAKEN)


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_an_insert_of_several_rows_is_refused_whole(world: World, is_first: bool) -> None:
    events = "events" if world.engine.dialect.name == "sqlite" else "cobalt_mirror.events"
    accounts = ["' '", "'acme'"] if is_first else ["'acme'", "' '"]
    values = ", ".join(f"('user_signed_up', {account})" for account in accounts)
    with pytest.raises(DBAPIError, match="linked_account_id must"), world.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO {events} (type, linked_account_id) VALUES {values}")

    with reading(world.engine).begin() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {events}").scalar_one() == 0


def test_a_row_that_is_there_already_is_taken_by_a_host_that_does_nothing(world: World) -> None:
    events = "events" if world.engine.dialect.name == "sqlite" else "cobalt_mirror.events"
    for _ in range(2):
        with world.engine.begin() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO {events} (id, source, type, linked_account_id) "
                "VALUES ('change-17', 'billing', 'user_signed_up', 'acme') ON CONFLICT (source, id) DO NOTHING"
            )

    assert len(world.rows("events")) == 1
