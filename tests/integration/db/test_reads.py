"""What a host's pages read, in the host's own session or connection, and the view that says the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Table, text
from sqlalchemy import create_engine as hosts_engine
from sqlalchemy.orm import Session

from cobalt_mirror.db import (
    Change,
    State,
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_events,
    list_history,
    tables,
)
from cobalt_mirror.db.reads import count_events, find_oldest_waiting
from cobalt_mirror.db.statuses import EventStatus, RowKind

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
INPUTS = [{"type": "keybased", "inputs": [{"name": "api_key", "label": "API key"}]}]
CONNECTED = [{"identifier": {"team": "T1"}, "auth_type": "oauth2", "connected_at": "2026-01-31", "status": "active"}]


def add(engine: Engine, table: Table, *rows: dict[str, Any]) -> None:
    with engine.begin() as connection:
        for row in rows:
            connection.execute(table.insert().values(**row))


def application(slug: str, **changes: Any) -> dict[str, Any]:
    return {"slug": slug, "name": slug.title(), "tags": ["chat"], "auth_types": INPUTS, **changes}


def connection_of(account: str, slug: str, status: str, **changes: Any) -> dict[str, Any]:
    return {"linked_account_id": account, "slug": slug, "status": status, "accounts": [], **changes}


def config_of(account: str, slug: str, config_id: str, **changes: Any) -> dict[str, Any]:
    whole = {"fields": {}, "workflows": [], "schema": {}, "field_errors": [], "status": "installed", **changes}
    return {"linked_account_id": account, "slug": slug, "config_id": config_id, **whole}


def event_of(id_: str, minute: int, **changes: Any) -> dict[str, Any]:
    moment = NOON + timedelta(minutes=minute)
    whole = {"type": "user_signed_up", "linked_account_id": "acme", "occurred_at": moment, "recorded_at": moment}
    return {"id": id_, **whole, **changes}


@pytest.fixture
def mirror(engine: Engine) -> Engine:
    """Two accounts, one with a connection in each state."""
    add(
        engine,
        tables.applications,
        application("slack", icon="slack.png", description="Chat ☕"),
        application("hubspot"),
        application("airtable", name="zeta"),
        application("notion", name="Zeta"),
        application("gone", enabled=False),
        application("github"),
    )
    add(
        engine,
        tables.linked_accounts,
        {"linked_account_id": "acme", "name": "Acme", "udf": {"plan": "pro"}, "status": "active", "verified_at": NOON},
        {"linked_account_id": "other", "status": "pending"},
        {"linked_account_id": "deleted", "status": "deleted"},
        {"linked_account_id": "missing", "status": "missing"},
    )
    add(
        engine,
        tables.connections,
        connection_of("acme", "slack", "connected", accounts=CONNECTED, connected_at=NOON, verified_at=NOON),
        connection_of("acme", "hubspot", "reauth_required"),
        connection_of("acme", "notion", "disconnected", verified_at=NOON),
        connection_of("acme", "gone", "connected"),
        connection_of("other", "github", "connected"),
    )
    return engine


def states(engine: Engine, account: str) -> dict[str, State]:
    with engine.connect() as connection:
        return {one.slug: one.state for one in integrations(connection, account)}


def test_every_enabled_application_has_a_state(mirror: Engine) -> None:
    assert states(mirror, "acme") == {
        "airtable": State.CONNECT,
        "github": State.CONNECT,
        "hubspot": State.RECONNECT,
        "notion": State.CONNECT,
        "slack": State.CONNECTED,
    }
    assert states(mirror, "other")["github"] == "connected"
    assert {*states(mirror, "other").values()} == {State.CONNECTED, State.CONNECT}


@pytest.mark.parametrize("account", ["nobody knows", "", "ACME", "acme "])
def test_an_unknown_account_may_connect_everything(mirror: Engine, account: str) -> None:
    assert states(mirror, account) == dict.fromkeys(["airtable", "github", "hubspot", "notion", "slack"], State.CONNECT)


def test_an_integration_tells_what_a_page_shows(mirror: Engine) -> None:
    with mirror.connect() as connection:
        found = {one.slug: one for one in integrations(connection, "acme")}

    slack = found["slack"]
    assert (slack.name, slack.icon, slack.description) == ("Slack", "slack.png", "Chat ☕")
    assert (slack.tags, slack.auth_types) == (["chat"], INPUTS)
    assert (slack.connected_at, slack.verified_at) == (NOON, NOON)
    assert (found["github"].icon, found["github"].connected_at) == (None, None)


def test_integrations_come_by_name_whatever_its_case(mirror: Engine) -> None:
    with mirror.connect() as connection:
        names = [one.name for one in integrations(connection, "acme")]

    assert names == ["Github", "Hubspot", "Slack", "zeta", "Zeta"]


def test_the_view_says_the_same_about_every_account_that_is_there(mirror: Engine) -> None:
    where = "" if mirror.dialect.name == "sqlite" else "cobalt_mirror."
    with mirror.connect() as connection:
        rows = connection.execute(
            text(f"SELECT linked_account_id, slug, name, icon, description, state FROM {where}integrations")
        ).all()
        wanted = [
            (account, one.slug, one.name, one.icon, one.description, one.state.value)
            for account in ("acme", "other")
            for one in integrations(connection, account)
        ]

    assert sorted(map(str, rows)) == sorted(map(str, wanted))


def test_reads_take_a_host_s_own_session(mirror: Engine, migrated_url: str) -> None:
    own = hosts_engine(migrated_url)
    with Session(own) as session:
        assert [one.slug for one in integrations(session, "acme") if one.state is State.CONNECTED] == ["slack"]
        acme = find_account(session, "acme")
        assert acme is not None
        assert (acme.name, acme.udf, acme.environment) == ("Acme", {"plan": "pro"}, None)
        assert (acme.status, acme.verified_at) == ("active", NOON)
        assert find_account(session, "nobody") is None
    own.dispose()


def test_reads_see_what_the_host_s_transaction_sees(mirror: Engine) -> None:
    with mirror.connect() as connection:
        connection.execute(tables.connections.delete())

        assert list_connections(connection, "acme") == []
        connection.rollback()
        assert len(list_connections(connection, "acme")) == 4


def test_connections_come_by_slug_with_those_that_are_no_more(mirror: Engine) -> None:
    with mirror.connect() as connection:
        found = list_connections(connection, "acme")

    assert [(one.slug, one.status) for one in found] == [
        ("gone", "connected"),
        ("hubspot", "reauth_required"),
        ("notion", "disconnected"),
        ("slack", "connected"),
    ]
    assert (found[3].accounts, found[3].connected_at) == (CONNECTED, NOON)


def test_configs_come_by_slug_and_id(engine: Engine) -> None:
    form = {"fields": [{"id": "channel", "name": "Channel", "field_type": "text"}], "workflows": []}
    workflow = {"id": "sync", "name": "Sync", "enabled": True, "fields": {}}
    error = {"id": "channel", "name": "Channel", "error": {"message": "no such channel"}}
    full = config_of(
        "acme", "slack", "eu", fields={"channel": None}, workflows=[workflow], schema=form, field_errors=[error]
    )
    add(
        engine,
        tables.configs,
        config_of("acme", "slack", "us"),
        full,
        config_of("acme", "hubspot", "acme", status="deleted"),
        config_of("other", "slack", "other"),
    )

    with engine.connect() as connection:
        found = list_configs(connection, "acme")
        of_slack = list_configs(connection, "acme", slug="slack")
        assert list_configs(connection, "acme", slug="github") == []

    assert [(one.slug, one.config_id, one.status) for one in found] == [
        ("hubspot", "acme", "deleted"),
        ("slack", "eu", "installed"),
        ("slack", "us", "installed"),
    ]
    assert of_slack == found[1:]
    assert {name: getattr(found[1], name) for name in full} == full


def test_history_comes_newest_first_and_not_without_end(engine: Engine) -> None:
    entry = {"recorded_at": NOON, "what": "connection", "slug": "slack", "because": {"events": [["host", "1"]]}}
    add(
        engine,
        tables.history,
        *({**entry, "linked_account_id": "acme", "changes": {"status": [None, number]}} for number in range(3)),
        {**entry, "linked_account_id": "other", "changes": {}},
        {**entry, "what": "application", "linked_account_id": None, "changes": {}},
    )

    with engine.connect() as connection:
        found = list_history(connection, "acme")
        latest = list_history(connection, "acme", limit=1)

    assert [change.changes["status"][1] for change in found] == [2, 1, 0]
    assert (
        latest
        == found[:1]
        == [
            Change(
                number=found[0].number,
                recorded_at=NOON,
                what=RowKind.CONNECTION,
                linked_account_id="acme",
                slug="slack",
                config_id=None,
                connection_id=None,
                changes={"status": [None, 2]},
                because={"events": [["host", "1"]]},
            )
        ]
    )


@pytest.fixture
def log(engine: Engine) -> Engine:
    add(
        engine,
        tables.events,
        event_of("a", 2, status="dead", move="customer", last_error="reconnect", payload={"name": "private"}),
        event_of("b", 2),
        event_of("c", 1, linked_account_id="other", status="done", detail="fine"),
        event_of("d", 3, linked_account_id="other"),
        event_of("e", 0, status="dead", move="operator"),
    )
    return engine


def test_events_come_newest_first_of_one_account_of_one_status_or_all(log: Engine) -> None:
    with log.connect() as connection:
        assert [one.id for one in list_events(connection)] == ["d", "b", "a", "c", "e"]
        assert [one.id for one in list_events(connection, limit=2)] == ["d", "b"]
        assert [one.id for one in list_events(connection, "acme")] == ["b", "a", "e"]
        assert [one.id for one in list_events(connection, status=EventStatus.DEAD)] == ["a", "e"]
        assert [one.id for one in list_events(connection, "other", status=EventStatus.PENDING)] == ["d"]
        assert list_events(connection, "nobody") == []


def test_an_event_s_state_tells_who_has_to_act_and_not_what_it_carries(log: Engine) -> None:
    with log.connect() as connection:
        (dead, _) = list_events(connection, status=EventStatus.DEAD)

    assert (dead.move, dead.last_error, dead.attempts) == ("customer", "reconnect", 0)
    assert dead.occurred_at == NOON + timedelta(minutes=2)
    assert "private" not in repr(dead)


def test_events_are_counted_by_status_and_by_whose_move_it_is(log: Engine) -> None:
    with log.connect() as connection:
        assert count_events(connection) == {
            ("dead", "customer"): 1,
            ("dead", "operator"): 1,
            ("done", None): 1,
            ("pending", None): 2,
        }


def test_the_oldest_that_waits_is_found_by_when_it_came(log: Engine) -> None:
    with log.connect() as connection:
        assert find_oldest_waiting(connection) == NOON + timedelta(minutes=2)
        connection.execute(tables.events.delete())
        assert find_oldest_waiting(connection) is None
        assert count_events(connection) == {}
