"""The schema numbers events in the order in which they are inserted, also those of a batch."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, event, text

from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from tests.integration.events.rows import Log


def sign_ups(number: int) -> list[Event]:
    """Events whose ids and sources say nothing of their order."""
    return [UserSignedUp("acme", id=uuid4().hex, source=f"source {each % 3}") for each in range(number)]


def ids_by_number(log: Log) -> list[str]:
    return [row["id"] for row in sorted(log.rows(), key=lambda row: row["number"])]


@pytest.mark.parametrize("number", [1, 2, 3, 2_500])
def test_a_batch_is_numbered_as_it_was_given(settings: DatabaseSettings, host: Engine, log: Log, number: int) -> None:
    events = sign_ups(number)
    with host.begin() as connection:
        publish_with(settings.vault(), events, connection)

    assert ids_by_number(log) == [each.id for each in events]


def test_an_event_keeps_the_number_of_its_first_time(settings: DatabaseSettings, host: Engine, log: Log) -> None:
    first, second, third = sign_ups(3)
    with host.begin() as connection:
        publish_with(settings.vault(), [second], connection)
        publish_with(settings.vault(), [third, first, second, third], connection)
        publish_with(settings.vault(), [first], connection)

    assert ids_by_number(log) == [second.id, third.id, first.id]


def test_batches_single_events_and_plain_inserts_are_numbered_together(
    settings: DatabaseSettings, host: Engine, log: Log
) -> None:
    events, table = sign_ups(6), "events" if log.schema is None else f"{log.schema}.events"
    with host.begin() as connection:
        publish_with(settings.vault(), events[:2], connection)
        connection.execute(
            text(
                f"INSERT INTO {table} (id, type, linked_account_id) "
                "VALUES ('z', 'user_signed_up', 'acme'), ('a', 'user_signed_up', 'acme'), ('m', 'user_deleted', 'acme')"
            )
        )
        publish_with(settings.vault(), [events[2]], connection)
    with host.begin() as connection:
        publish_with(settings.vault(), events[3:], connection)

    one, two, three, *others = [each.id for each in events]
    assert ids_by_number(log) == [one, two, "z", "a", "m", three, *others]


def test_a_single_event_costs_one_statement(settings: DatabaseSettings, host: Engine, log: Log) -> None:
    statements: list[str] = []
    event.listen(host, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    with host.begin() as connection:
        publish_with(settings.vault(), [ConfigChanged("acme", "slack", fields={"mention": "@a"})], connection)

    assert len(statements) == 1
    assert log.row()["number"] is not None
