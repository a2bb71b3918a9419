"""Rows that no worker can read, as SQL; each with the reason that it is dead for, or None where it is carried out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

_DEEP = "[" * 3_000 + "]" * 3_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A row of the event log; what is not named in `columns` is that of an ordinary sign-up."""

    name: str
    columns: Mapping[str, str]
    reason: str | None


def text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"


EVERYWHERE = [
    Bad("the payload is null", {"payload": "'null'"}, "payload: must be a JSON object"),
    Bad("the payload is a text", {"payload": "'\"Acme\"'"}, "payload: must be a JSON object"),
    Bad("the payload is a list", {"payload": "'[]'"}, "payload: must be a JSON object"),
    Bad("5,000 digits", {"payload": text('{"n": ' + "9" * 5_000 + "}")}, "payload: is not JSON that can be read"),
    Bad("1e400", {"payload": '\'{"udf": {"n": 1e400}}\''}, "udf.n: "),
    Bad("3,000 levels", {"payload": text('{"udf": ' + _DEEP + "}")}, "payload: is nested more than 200 levels deep"),
    Bad("500 levels", {"payload": text('{"auth_credentials": {}, "x": ' + _DEEP[2_500:3_500] + "}")}, "payload: is n"),
    Bad("before the year 2000", {"occurred_at": "'1999-12-31T23:59:59.999999Z'"}, "occurred_at: must not be before"),
    Bad("the year 3000", {"occurred_at": "'3000-01-01T00:00:00.000000Z'"}, "occurred_at: must be a time"),
    Bad("the year 1969", {"recorded_at": "'1969-12-31T23:59:59.999999Z'"}, "recorded_at: must be a time"),
    Bad("due in the year 9999", {"due_at": "'9999-12-31T23:59:59.999999Z'"}, None),
    Bad("retrying since the year 9999", {"retrying_since": "'9999-12-31T23:59:59.999999Z'"}, "retrying_since: must"),
    Bad("an account id of spaces", {"linked_account_id": "'   '"}, "linked_account_id: must not be blank"),
    Bad("a long account id", {"linked_account_id": text("a" * 201)}, "linked_account_id: "),
    Bad("a blank id", {"id": "' '"}, "id: must not be blank"),
    Bad("a blank source", {"source": "' '"}, "source: must not be blank"),
    Bad("too many attempts", {"attempts": "2147483647"}, "attempts: must be between"),
    Bad("fewer than no attempts", {"attempts": "-1"}, "attempts: must be between"),
    Bad("a move of nobody", {"move": "'nobody'"}, None),
    Bad("an effect that is a list", {"effect": "'[]'"}, "effect: must be a JSON object"),
    Bad("a stamp that is a number", {"meant_for": "'7'"}, None),
    Bad("an answer of 5,000 digits", {"last_response": text("9" * 5_000)}, None),
]
ON_POSTGRESQL = [
    *EVERYWHERE,
    *(
        Bad(f"{column} is {value}", {column: f"'{value}'"}, reason)
        for column, reason in (
            ("occurred_at", "occurred_at: "),
            ("recorded_at", "recorded_at: must be a time"),
            ("due_at", None),
            ("retrying_since", "retrying_since: must be a time"),
        )
        for value in ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01")
        if (column, value[0]) not in {("due_at", "-"), ("due_at", "0")}
    ),
    *(
        Bad(f"operated at {value}", {"operated_at": f"'{value}'"}, None)
        for value in ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01")
    ),
    Bad("due since ever", {"due_at": "'-infinity'"}, "due_at: must be a time"),
    Bad("due since 44 BC", {"due_at": "'0044-03-15 BC'"}, "due_at: must be a time"),
]
ON_SQLITE = [
    *EVERYWHERE,
    *(
        Bad(f"{column} is {value}", {column: text(value)}, reason)
        for column, reason in (("occurred_at", "occurred_at: must be a time"), ("recorded_at", "recorded_at: must be"))
        for value in (
            "2026-02-30T12:00:00.000000Z",
            "2026-01-31T24:00:00.000000Z",
            "2026-19-01T12:00:00.000000Z",
            "0000-01-01T00:00:00.000000Z",
            "noon",
            "",
        )
    ),
    Bad("a time that is a number", {"occurred_at": "1769860800"}, "occurred_at: must be a time"),
    Bad("a time that is a blob", {"occurred_at": "x'00ff'"}, "occurred_at: must be a time"),
    Bad("due at noon", {"due_at": "'noon'"}, None),
    Bad("not JSON", {"payload": "'{not json'"}, "payload: is not JSON"),
    Bad("NaN", {"payload": '\'{"udf": {"n": NaN}}\''}, "udf.n: "),
    Bad("half a surrogate pair", {"payload": '\'{"name": "\\ud800"}\''}, "name: "),
    Bad("a payload of bytes", {"payload": "x'ff'"}, "payload: is not JSON"),
    Bad("a NUL in the account id", {"linked_account_id": "'a' || char(0) || 'b'"}, "linked_account_id: "),
    Bad("an account id of bytes", {"linked_account_id": "x'00ff'"}, "source, id, linked_account_id, slug: must be"),
    Bad("a slug of bytes", {"type": "'config_changed'", "slug": "x'00ff'"}, "source, id, linked"),
    Bad("a slug", {"type": "'config_changed'", "slug": "'slack'", "payload": "'[]'"}, "payload: must be a JSON object"),
    Bad("an account id in no UTF-8", {"linked_account_id": "CAST(x'61eda080' AS TEXT)"}, "source, id, linked"),
    Bad("an id in no UTF-8", {"id": "CAST(x'61ff' AS TEXT)"}, "source, id, linked_account_id, slug: must be"),
    Bad("a slug in no UTF-8", {"slug": "CAST(x'61ff' AS TEXT)"}, "source, id, linked_account_id, slug: must be"),
    Bad("a type in no UTF-8", {"type": "CAST(x'61ff' AS TEXT)"}, "type: "),
    Bad("attempts that are a text", {"attempts": "'many'"}, "attempts: must be"),
    Bad("looks that are a text", {"looks": "'many'"}, "looks: must be"),
    Bad("a number that is a text", {"number": "'many'"}, "number: must be"),
    Bad("operated at noon", {"operated_at": "'noon'"}, None),
    Bad("operated at a number", {"operated_at": "7"}, None),
    Bad("an operator of bytes", {"operator": "x'00ff'"}, "operator: must be text"),
    Bad("an operator in no UTF-8", {"operator": "CAST(x'61ff' AS TEXT)"}, None),
    Bad("alone in words", {"alone": "'yes'"}, None),
]


@dataclass(slots=True)
class Inserter:
    """Inserts rows, each under an account of its own unless it names one, and remembers where they are."""

    connection: Connection
    number: int = 0
    keys: dict[str, int] = field(default_factory=dict)

    def insert(self, rows: Iterable[Bad]) -> None:
        """Insert rows. `fingerprint` tells them apart, whatever else is in them."""
        events = "events" if self.connection.dialect.name == "sqlite" else "cobalt_mirror.events"
        for row in rows:
            self.number += 1
            columns = {
                "type": "'user_signed_up'",
                "linked_account_id": f"'bad {self.number}'",
                "payload": '\'{"name": "Bad", "udf": {}}\'',
                "fingerprint": text(row.name),
                **row.columns,
            }
            statement = f"INSERT INTO {events} ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"
            self.connection.exec_driver_sql(statement)
