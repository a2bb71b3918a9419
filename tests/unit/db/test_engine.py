"""The settings reach the driver."""

import sys
from typing import Any

import pytest
from sqlalchemy import event

from cobalt_mirror.db.engine import create_engine
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.settings import DatabaseSettings


class Seen(Exception):
    """Instead of a connection."""


def arguments_for(settings: DatabaseSettings) -> dict[str, Any]:
    """Return what the driver is called with to connect."""
    engine, seen = create_engine(settings), dict[str, Any]()

    def take(_dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]) -> None:
        seen.update(parameters)
        raise Seen

    event.listen(engine, "do_connect", take)
    with pytest.raises(Seen):
        engine.connect()
    return seen


@pytest.mark.parametrize(
    ("options", "expected"), [({}, {}), ({"database_prepared_statements": False}, {"prepare_threshold": None})]
)
def test_prepared_statements_are_the_driver_s_own_unless_they_are_switched_off(
    options: dict[str, Any], expected: dict[str, Any]
) -> None:
    arguments = arguments_for(DatabaseSettings(database_url="postgresql://user@host/db", **options))

    assert {name: value for name, value in arguments.items() if name == "prepare_threshold"} == expected


def test_a_password_with_special_characters_reaches_the_driver_decoded() -> None:
    arguments = arguments_for(
        DatabaseSettings(database_url="postgresql+asyncpg://user:p%40%2F%23s@host/db?ssl=require")
    )

    assert (arguments["password"], arguments["host"], arguments["sslmode"]) == ("p@/#s", "host", "require")


def test_a_driver_that_is_not_installed_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(BadSetting, match=r"psycopg is not installed; pass a session of your app to `publish`, or run"):
        create_engine(DatabaseSettings(database_url="postgresql://user@host/db"))
