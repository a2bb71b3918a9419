"""What a host may pass as its session by mistake is refused with what to do instead."""

import sqlite3
from typing import Any

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from cobalt_mirror import UserSignedUp, publish
from tests.pages import HOSTING, rows


def of(module: str, name: str) -> object:
    """An object of a class of this name, as a library has it that is not installed here."""
    return type(name, (), {"__module__": module})()


#: What is passed, and how the sentence goes on.
REFUSED = [
    (create_engine("sqlite://"), "not Engine; for an AsyncSession, await the function"),
    (of("sqlalchemy.ext.asyncio.session", "AsyncSession"), "not AsyncSession; for an AsyncSession, await the function"),
    (DatabaseWrapper({"NAME": ":memory:"}), "not Django's; use `publish` of cobalt_mirror.django"),
    (sqlite3.connect(":memory:"), "not Connection of sqlite3; insert the event by SQL"),
    (of("psycopg", "Connection"), "not Connection of psycopg; insert the event by SQL"),
    (of("psycopg2.extensions", "connection"), "not connection of psycopg2; insert the event by SQL"),
    (of("asyncpg.connection", "Connection"), "not Connection of asyncpg; insert the event by SQL"),
    (of("pg8000.dbapi", "Connection"), "not Connection of pg8000; insert the event by SQL"),
    ("acme", "not str of builtins; insert the event by SQL"),
]


@pytest.mark.parametrize(("session", "sentence"), REFUSED, ids=lambda value: type(value).__module__)
def test_what_is_no_session_of_sqlalchemy_is_refused_with_what_to_do(session: Any, sentence: str) -> None:
    with pytest.raises(TypeError) as refused:
        publish(UserSignedUp("acme"), session)

    assert str(refused.value).startswith(f"session: must be a Session or a Connection of SQLAlchemy, {sentence}")


def test_a_session_of_another_database_is_refused_by_its_name() -> None:
    with Session(as_mysql()) as session, pytest.raises(TypeError) as refused:
        publish(UserSignedUp("acme"), session)

    assert str(refused.value) == (
        "session: is connected to mysql, and the mirror is in PostgreSQL or SQLite; pass a session of that database, "
        "or none"
    )


def as_mysql() -> Engine:
    """An engine that says it is MySQL's; a real one wants a driver and a server."""
    engine = create_engine("sqlite://")
    engine.dialect.name = "mysql"
    return engine


def test_the_page_has_a_line_for_each() -> None:
    page = {cells[0] for cells in rows(HOSTING, "| what you pass | what the error says |")}

    assert page - {"---"} == {
        "an `Engine`, an `AsyncSession`, an `AsyncConnection`",
        "Django's connection",
        "a connection of psycopg, psycopg2, asyncpg, pg8000 or `sqlite3` itself",
        "a session of MySQL, Oracle, SQL Server or another database",
    }
