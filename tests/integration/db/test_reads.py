"""What a host's pages read, in the host's own session or connection, and the view that says the same."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy import create_engine as hosts_engine
from sqlalchemy.orm import Session

from cobalt_mirror.db import (
    Change,
    State,
    find_account,
    integrations,
    list_configs,
    list_connections,
    list_history,
    tables,
)
from cobalt_mirror.db.statuses import RowKind
from tests.integration.db.rows import NOON, add

INPUTS = [{"type": "keybased", "inputs": [{"name": "api_key", "label": "API key"}]}]
CONNECTED = [{"identifier": {"team": "T1"}, "auth_type": "oauth2", "connected_at": "2026-01-31", "status": "active"}]


def application(slug: str, **changes: Any) -> dict[str, Any]:
    return {"slug": slug, "name": slug.title(), "tags": ["chat"], "auth_types": INPUTS, **changes}


def connection_of(account: str, slug: str, status: str, **changes: Any) -> dict[str, Any]:
    return {"linked_account_id": account, "slug": slug, "status": status, "accounts": [], **changes}


def config_of(account: str, slug: str, config_id: str, **changes: Any) -> dict[str, Any]:
    whole = {"fields": {}, "workflows": [], "schema": {}, "field_errors": [], "status": "installed", **changes}
    return {"linked_account_id": account, "slug": slug, "config_id": config_id, **whole}


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


EXPIRED = {**CONNECTED[0], "status": "expired"}
#: What the mirror has of a connection, and how many are connected and need attention.
COUNTED: dict[str, tuple[dict[str, Any] | None, tuple[int | None, int | None]]] = {
    "never connected": (None, (0, 0)),
    "disconnected": ({"status": "disconnected", "accounts": []}, (0, 0)),
    "seen only in the listing": ({"status": "connected", "accounts": None}, (None, None)),
    "seen only in the listing, expired": ({"status": "reauth_required", "accounts": None}, (None, None)),
    "one": ({"status": "connected", "accounts": CONNECTED}, (1, 0)),
    "one that expired": ({"status": "reauth_required", "accounts": [EXPIRED]}, (1, 1)),
    "two, of which one expired": ({"status": "reauth_required", "accounts": [*CONNECTED, EXPIRED]}, (2, 1)),
    "two that expired": ({"status": "reauth_required", "accounts": [EXPIRED, EXPIRED]}, (2, 2)),
    "a status that is not known": ({"status": "connected", "accounts": [{**EXPIRED, "status": "odd"}]}, (1, 1)),
    "no status": ({"status": "connected", "accounts": [{"auth_type": "oauth2"}]}, (1, 1)),
}


def test_the_view_and_the_function_count_alike(engine: Engine) -> None:
    add(engine, tables.linked_accounts, {"linked_account_id": "acme", "status": "active"})
    add(engine, tables.applications, *map(application, COUNTED))
    rows = [({"linked_account_id": "acme", "slug": slug, **row}) for slug, (row, _) in COUNTED.items() if row]
    add(engine, tables.connections, *rows)
    wanted = {slug: counts for slug, (_, counts) in COUNTED.items()}

    where = "" if engine.dialect.name == "sqlite" else "cobalt_mirror."
    with engine.connect() as connection:
        view = connection.execute(text(f"SELECT slug, connected, needs_attention, state FROM {where}integrations"))
        viewed = {row.slug: (row.connected, row.needs_attention, row.state) for row in view}
        read = {one.slug: (one.connected, one.needs_attention, one.state) for one in integrations(connection, "acme")}
        unknown = {(one.connected, one.needs_attention) for one in integrations(connection, "nobody")}

    assert {slug: counts for slug, (*counts, _) in read.items()} == {slug: [*counts] for slug, counts in wanted.items()}
    assert viewed == read
    assert unknown == {(0, 0)}


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


def test_configs_of_several_connections_come_by_connection(engine: Engine) -> None:
    rows = [config_of("acme", "gmail", "acme", connection_id=id_) for id_ in ("c2", "", "c1")]
    add(engine, tables.configs, *rows, config_of("acme", "gmail", "eu", connection_id="c1"))
    entry = {"recorded_at": NOON, "what": "config", "linked_account_id": "acme", "changes": {}, "because": {}}
    add(engine, tables.history, {**entry, "slug": "gmail", "config_id": "acme", "connection_id": "c2"})

    with engine.connect() as connection:
        found = [(one.config_id, one.connection_id) for one in list_configs(connection, "acme")]
        assert found == [("acme", ""), ("acme", "c1"), ("acme", "c2"), ("eu", "c1")]
        assert [change.connection_id for change in list_history(connection, "acme")] == ["c2"]


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
