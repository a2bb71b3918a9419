"""Inserts rows as they were inserted before the schema refused them: around its triggers and constraints."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def around_the_rules(engine: Engine) -> Iterator[Connection]:
    """A transaction in which the schema refuses nothing that its types can hold; its definitions stay as they are."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _without_refusals(connection):
                yield connection
        else:
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                yield connection


@contextmanager
def _without_refusals(connection: Connection) -> Iterator[None]:
    refusing = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'refuse_unreadable'"
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute("PRAGMA ignore_check_constraints = ON")
    try:
        with connection.begin():
            trigger = str(connection.exec_driver_sql(refusing).scalar_one())
            connection.exec_driver_sql("DROP TRIGGER refuse_unreadable")
            yield
            connection.exec_driver_sql(trigger)
    finally:
        raw.execute("PRAGMA ignore_check_constraints = OFF")
