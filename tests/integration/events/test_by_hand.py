"""Rows that hosts insert with plain SQL: the schema supplies the rest, and refuses what nobody could read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.db.subject import get_background
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged, ConfigRemoved, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.events.stored import read_entry
from tests.integration.events.rows import Log

ACCOUNTS = [
    {"identifier": "T1", "auth_type": "oauth2", "connected_at": "2026-01-31T12:00:00.000000Z", "status": "active"}
]

#: PostgreSQL has a type for times.
ON_SQLITE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


def insert(host: Engine, log: Log, **values: Any) -> None:
    """What a host that is not Python sends."""
    where = "" if log.schema is None else f"{log.schema}."
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    with host.begin() as connection:
        connection.execute(text(f"INSERT INTO {where}events ({names}) VALUES ({places})"), values)


def test_three_columns_are_enough(host: Engine, log: Log) -> None:
    before = datetime.now(UTC)
    insert(host, log, type="user_signed_up", linked_account_id="acme", payload='{"name": "Acme"}')
    insert(host, log, type="connection_authorized", linked_account_id="acme", slug="slack")

    rows = {row["type"]: row for row in log.rows()}
    assert len({row["id"] for row in rows.values()}) == 2
    for row in rows.values():
        assert (row["source"], row["status"], row["attempts"], row["looks"]) == ("host", "pending", 0, 0)
        for name in ("occurred_at", "recorded_at", "due_at"):
            assert before - timedelta(milliseconds=1) <= row[name] <= datetime.now(UTC)
    with log.engine.begin() as connection:
        (sign_up,), (connection_,) = (
            get_background(connection, "acme", "").events,
            get_background(connection, "acme", "slack").events,
        )
    read = read_entry(sign_up, Vault(())).event
    assert isinstance(read, UserSignedUp)
    assert read.name == "Acme"
    assert read_entry(connection_, Vault(())).event.payload() == {}


def test_what_a_host_says_itself_is_kept(host: Engine, log: Log) -> None:
    insert(
        host,
        log,
        source="shop",
        id="7",
        type="config_changed",
        linked_account_id="acme",
        slug="slack",
        payload='{"fields": {"channel": null}}',
        occurred_at="2026-01-31T12:00:00.000000Z",
    )

    row = log.row()
    assert (row["source"], row["id"], row["occurred_at"]) == ("shop", "7", datetime(2026, 1, 31, 12, tzinfo=UTC))
    with log.engine.begin() as connection:
        (logged,) = get_background(connection, "acme", "slack").events
    read = read_entry(logged, Vault(())).event
    assert isinstance(read, ConfigChanged)
    assert read.fields == {"channel": None}


@pytest.mark.parametrize("type_", ["connection_authorized", "config_changed", "config_removed", "connection_removed"])
@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"payload": '{"connection_id": "c1"}'}, "c1"),
        ({"payload": '{"connection_id": null}'}, None),
        ({"payload": "{}"}, None),
        ({}, None),  # as hosts wrote it before there were connection ids
    ],
)
def test_a_row_names_a_connection_in_its_payload_or_none(
    host: Engine, log: Log, *, type_: str, payload: dict[str, str], named: str | None
) -> None:
    insert(host, log, type=type_, linked_account_id="acme", slug="slack", **payload)

    with log.engine.begin() as connection:
        (logged,) = get_background(connection, "acme", "slack").events
    event = read_entry(logged, Vault(())).event
    assert isinstance(event, ConnectionAuthorized | ConfigChanged | ConfigRemoved | ConnectionRemoved)
    assert event.connection_id == named


@ON_SQLITE
def test_on_sqlite_every_time_has_one_form(host: Engine, log: Log, settings: DatabaseSettings) -> None:
    insert(host, log, type="user_signed_up", linked_account_id="acme")
    with host.begin() as connection:
        publish_with(settings.vault(), [UserSignedUp("acme")], connection)

    with host.begin() as connection:
        times = connection.execute(text("SELECT occurred_at, recorded_at, due_at FROM events")).all()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for row in times for time in row)


@ON_SQLITE
@pytest.mark.parametrize("column", ["occurred_at", "recorded_at", "due_at"])
@pytest.mark.parametrize(
    "form",
    [
        "2026-01-31 12:00:00",
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00.000000+00:00",
        "2026-01-31T12:00:00.000000",
        "2026-31-01T12:00:00.000000Z",
        "yesterday",
        "",
        1769860800,
        None,
    ],
)
def test_on_sqlite_any_other_form_of_a_time_is_refused(host: Engine, log: Log, column: str, form: Any) -> None:
    with pytest.raises(DatabaseError):
        insert(host, log, type="user_signed_up", linked_account_id="acme", **{column: form})

    assert log.rows() == []


@pytest.mark.parametrize(
    "values",
    [
        {"payload": "{not json"},
        {"payload": ""},
        {"payload": None},
        {"type": None},
        {"linked_account_id": None},
        {"source": None},
        {"id": None},
        {"status": "finished"},
        {"occurred_at": "at noon"},
    ],
)
def test_what_nobody_could_read_is_refused(host: Engine, log: Log, values: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError):
        insert(host, log, **{"type": "user_signed_up", "linked_account_id": "acme", **values})

    assert log.rows() == []


# --- what a removal is meant for --------------------------------------------------------------------------------------


def test_a_removal_is_stamped_with_what_the_mirror_shows_at_that_moment(
    host: Engine, log: Log, settings: DatabaseSettings
) -> None:
    log.connect("acme", "slack", ACCOUNTS)
    with host.begin() as connection:
        publish_with(settings.vault(), [ConnectionRemoved("acme", "slack", id="published")], connection)
    insert(host, log, id="inserted", type="connection_removed", linked_account_id="acme", slug="slack")

    where = "" if log.schema is None else f"{log.schema}."
    with host.begin() as connection:
        connection.execute(text(f"UPDATE {where}connections SET accounts = '[]'"))

    assert {row["id"]: row["meant_for"] for row in log.rows()} == {"published": ACCOUNTS, "inserted": ACCOUNTS}


def test_many_removals_at_once_are_each_stamped(host: Engine, log: Log, settings: DatabaseSettings) -> None:
    stamps = {}
    for number in range(20):
        stamps[f"account {number}"] = [{**ACCOUNTS[0], "identifier": number}]
        log.connect(f"account {number}", "slack", stamps[f"account {number}"])

    with host.begin() as connection:
        publish_with(settings.vault(), [ConnectionRemoved(account, "slack") for account in stamps], connection)

    assert {row["linked_account_id"]: row["meant_for"] for row in log.rows()} == stamps


@pytest.mark.parametrize(
    ("account", "slug", "ago", "stamp"),
    [
        ("acme", "slack", timedelta(), ACCOUNTS),
        ("acme", "slack", timedelta(minutes=-4), ACCOUNTS),
        ("acme", "slack", timedelta(minutes=14), ACCOUNTS),
        ("acme", "slack", timedelta(minutes=16), None),
        ("acme", "slack", timedelta(days=400), None),
        ("acme", "hubspot", timedelta(), None),
        ("other", "slack", timedelta(), None),
    ],
)
def test_only_a_removal_that_happened_just_now_can_mean_what_the_mirror_shows(
    log: Log, settings: DatabaseSettings, *, account: str, slug: str, ago: timedelta, stamp: Any
) -> None:
    log.connect("acme", "slack", ACCOUNTS)
    removal = ConnectionRemoved(account, slug, occurred_at=datetime.now(UTC) - ago)

    with log.engine.begin() as connection:
        publish_with(settings.vault(), [removal], connection)

    assert log.row()["meant_for"] == stamp


def test_no_other_event_is_stamped(host: Engine, log: Log, settings: DatabaseSettings) -> None:
    log.connect("acme", "slack", ACCOUNTS)

    with host.begin() as connection:
        publish_with(settings.vault(), [ConfigChanged("acme", "slack")], connection)

    assert log.row()["meant_for"] is None
