"""From a row before and after a change to the entries of the change feed."""

from typing import Any

import pytest

from cobalt_mirror.db.feed_entries import NewEntry, entries_of, without_values
from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConfigStatus, ConnectionStatus
from cobalt_mirror.db.tables import applications, configs, connections, linked_accounts

Told = list[tuple[str, dict[str, Any]]]
PENDING, ACTIVE, MISSING, DELETED = AccountStatus
CONNECTED, EXPIRED, GONE = ConnectionStatus
INSTALLED, UNINSTALLED = ConfigStatus


def told(entries: list[NewEntry]) -> Told:
    return [(entry.type.value, dict(entry.data)) for entry in entries]


def account(status: AccountStatus, **columns: Any) -> dict[str, Any]:
    return {"linked_account_id": "acme", "status": status, **columns}


def change(before: Any, after: Any) -> dict[str, Any]:
    return {"from": before, "to": after}


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        (None, account(PENDING), []),
        (None, account(ACTIVE, name="A"), [("account.created", change(None, "active"))]),
        (account(PENDING), account(ACTIVE, name="A"), [("account.created", change("pending", "active"))]),
        (account(DELETED), account(ACTIVE, name="A"), [("account.created", change("deleted", "active"))]),
        (account(ACTIVE, name="A"), account(ACTIVE, name="A"), []),
        (account(ACTIVE, name="A", udf={}), account(ACTIVE, name="A", udf={"plan": "pro"}), []),
        (account(ACTIVE, name="A"), account(ACTIVE, name="B"), [("account.renamed", change("A", "B"))]),
        (account(ACTIVE), account(ACTIVE, name="B"), [("account.renamed", change(None, "B"))]),
        (account(ACTIVE, name="A"), account(MISSING, name="A"), [("account.missing", change("active", "missing"))]),
        (account(MISSING, name="A"), account(ACTIVE, name="A"), [("account.created", change("missing", "active"))]),
        (
            account(MISSING, name="A"),
            account(ACTIVE, name="B"),
            [("account.created", change("missing", "active")), ("account.renamed", change("A", "B"))],
        ),
        (account(ACTIVE, name="A"), account(DELETED), [("account.deleted", change("active", "deleted"))]),
        (account(PENDING), account(DELETED), [("account.deleted", change("pending", "deleted"))]),
        (account(MISSING, name="A"), account(DELETED), [("account.deleted", change("missing", "deleted"))]),
        (None, account(DELETED), [("account.deleted", change(None, "deleted"))]),
        (account(DELETED), account(PENDING), []),
        (account(DELETED), account(DELETED), []),
    ],
)
def test_an_account(before: dict[str, Any] | None, after: dict[str, Any], entries: Told) -> None:
    assert told(entries_of(linked_accounts, before, after)) == entries


def connection(status: ConnectionStatus, *accounts: dict[str, Any], is_known: bool = True) -> dict[str, Any]:
    return {
        "linked_account_id": "acme",
        "slug": "xero",
        "status": status,
        "accounts": list(accounts) if is_known else None,
    }


def listed(status: ConnectionStatus) -> dict[str, Any]:
    return connection(status, is_known=False)


def linked(id_: str | None, status: str = "active", auth_type: str = "oauth2") -> dict[str, Any]:
    plain = {"auth_type": auth_type, "status": status, "identifier": "me"}
    return plain if id_ is None else {**plain, "connection_id": id_}


def of(before: str | None, after: str, auth_type: str = "oauth2") -> dict[str, Any]:
    return {**change(before, after), "auth_type": auth_type}


ONE, BAD = linked(None), linked(None, "expired")
A, B, B_BAD, C = linked("a"), linked("b"), linked("b", "expired"), linked("c")
KEY = linked(None, auth_type="keybased")


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        (None, connection(GONE), []),
        (None, connection(CONNECTED, ONE), [("connection.connected", of(None, "connected"))]),
        (None, listed(CONNECTED), [("connection.connected", change(None, "connected"))]),
        (None, connection(EXPIRED, BAD), [("connection.reauth_required", of(None, "reauth_required"))]),
        (
            connection(GONE),
            connection(CONNECTED, ONE),
            [("connection.reconnected", of("disconnected", "connected"))],
        ),
        (
            connection(GONE),
            connection(EXPIRED, BAD),
            [("connection.reauth_required", of("disconnected", "reauth_required"))],
        ),
        (connection(CONNECTED, ONE), connection(CONNECTED, ONE), []),
        (connection(CONNECTED, ONE), connection(CONNECTED, {**ONE, "connected_at": "a token was renewed"}), []),
        (
            connection(CONNECTED, ONE),
            connection(EXPIRED, BAD),
            [("connection.reauth_required", of("connected", "reauth_required"))],
        ),
        (
            connection(EXPIRED, BAD),
            connection(CONNECTED, ONE),
            [("connection.recovered", of("reauth_required", "connected"))],
        ),
        (connection(CONNECTED, ONE), connection(GONE), [("connection.removed", of("connected", "disconnected"))]),
        (connection(EXPIRED, BAD), connection(GONE), [("connection.removed", of("reauth_required", "disconnected"))]),
        (connection(GONE), connection(GONE), []),
        # The whole fails, though each works, as Cobalt may say; and the other way round.
        (
            connection(CONNECTED, ONE),
            connection(EXPIRED, ONE),
            [("connection.reauth_required", of("connected", "reauth_required"))],
        ),
        (
            connection(EXPIRED, BAD),
            connection(CONNECTED, BAD),
            [("connection.recovered", of("reauth_required", "connected"))],
        ),
        # Only the listing was seen.
        (listed(CONNECTED), connection(CONNECTED, A, B), []),
        (connection(CONNECTED, A, B), listed(CONNECTED), []),
        (
            listed(CONNECTED),
            connection(EXPIRED, A, B_BAD),
            [("connection.reauth_required", change("connected", "reauth_required"))],
        ),
        (listed(EXPIRED), listed(CONNECTED), [("connection.recovered", change("reauth_required", "connected"))]),
        (listed(CONNECTED), connection(GONE), [("connection.removed", change("connected", "disconnected"))]),
        # Several connections.
        (
            connection(CONNECTED, A),
            connection(CONNECTED, A, B),
            [("connection.connected", of("disconnected", "connected"))],
        ),
        (connection(CONNECTED, A, B), connection(CONNECTED, B, A), []),
        (
            connection(CONNECTED, A, B),
            connection(CONNECTED, A),
            [("connection.removed", of("connected", "disconnected"))],
        ),
        (
            connection(CONNECTED, A, B),
            connection(EXPIRED, A, B_BAD),
            [("connection.reauth_required", of("connected", "reauth_required"))],
        ),
        (
            connection(CONNECTED, A, B),
            connection(CONNECTED, B, C),
            [
                ("connection.removed", of("connected", "disconnected")),
                ("connection.connected", of("disconnected", "connected")),
            ],
        ),
        (connection(CONNECTED, A, B), connection(GONE), [("connection.removed", of("connected", "disconnected"))] * 2),
        # Two ways to connect.
        (
            connection(CONNECTED, ONE),
            connection(CONNECTED, ONE, KEY),
            [("connection.connected", of("disconnected", "connected", "keybased"))],
        ),
    ],
)
def test_a_connection(before: dict[str, Any] | None, after: dict[str, Any], entries: Told) -> None:
    assert told(entries_of(connections, before, after)) == entries


def test_an_entry_names_the_connection_that_it_is_about() -> None:
    (entry,) = entries_of(connections, connection(CONNECTED, A, B), connection(EXPIRED, A, B_BAD))

    assert (entry.linked_account_id, entry.slug, entry.connection_id) == ("acme", "xero", "b")


def config(status: ConfigStatus = INSTALLED, **columns: Any) -> dict[str, Any]:
    names = {"linked_account_id": "acme", "slug": "slack", "config_id": "c", "connection_id": ""}
    empty: dict[str, Any] = {"fields": {}, "workflows": [], "field_errors": []}
    return {**names, **empty, "status": status, **columns}


ON: dict[str, Any] = {"id": "w", "name": "W", "enabled": True, "fields": {}}
OFF = {**ON, "enabled": False}
WRONG = [{"id": "channel", "name": "Channel", "error": {"message": "no such channel"}}]
NEW = {"status": change(None, "installed")}


@pytest.mark.parametrize(
    ("before", "after", "entries"),
    [
        (None, config(), [("config.changed", NEW)]),
        (None, config(fields={"a": 1}), [("config.changed", {**NEW, "fields": {"a": change(None, 1)}})]),
        (None, config(UNINSTALLED), []),
        (config(), config(), []),
        (config(), config(schema={"fields": []}), []),
        (config(fields={"a": 1, "b": 2}), config(fields={"b": 2, "a": 1}), []),
        (config(fields={"a": 1}), config(fields={"a": True}), [("config.changed", {"fields": {"a": change(1, True)}})]),
        (
            config(fields={"a": 1, "b": 2}),
            config(fields={"b": 3, "c": 4}),
            [("config.changed", {"fields": {"a": change(1, None), "b": change(2, 3), "c": change(None, 4)}})],
        ),
        (config(workflows=[ON]), config(workflows=[OFF]), [("config.changed", {"workflows": {"w": change(ON, OFF)}})]),
        (config(workflows=[ON]), config(workflows=[]), [("config.changed", {"workflows": {"w": change(ON, None)}})]),
        (config(), config(field_errors=WRONG), [("config.needs_attention", {"field_errors": WRONG})]),
        (config(field_errors=WRONG), config(field_errors=WRONG), []),
        (config(field_errors=WRONG), config(), [("config.changed", {"field_errors": change(WRONG, [])})]),
        (
            config(),
            config(fields={"a": 1}, field_errors=WRONG),
            [
                ("config.changed", {"fields": {"a": change(None, 1)}}),
                ("config.needs_attention", {"field_errors": WRONG}),
            ],
        ),
        (
            config(fields={"a": 1}, workflows=[ON], field_errors=WRONG),
            config(UNINSTALLED),
            [("config.changed", {"status": change("installed", "deleted")})],
        ),
        (config(UNINSTALLED), config(UNINSTALLED), []),
        (
            config(UNINSTALLED),
            config(fields={"a": 1}),
            [("config.changed", {"status": change("deleted", "installed"), "fields": {"a": change(None, 1)}})],
        ),
    ],
)
def test_a_config(before: dict[str, Any] | None, after: dict[str, Any], entries: Told) -> None:
    assert told(entries_of(configs, before, after)) == entries


def test_an_application_of_the_catalogue_is_no_entry() -> None:
    assert entries_of(applications, None, {"slug": "slack", "name": "Slack"}) == []


@pytest.mark.parametrize(
    "row",
    [
        connection(CONNECTED) | {"accounts": {"by": "hand"}},
        connection(CONNECTED) | {"accounts": ["by hand"]},
    ],
)
def test_what_cannot_be_read_of_a_row_is_left_out(row: dict[str, Any]) -> None:
    assert told(entries_of(connections, row, connection(GONE))) == [
        ("connection.removed", change("connected", "disconnected"))
    ]


@pytest.mark.parametrize(
    ("type_", "data", "left"),
    [
        (ChangeType.ACCOUNT_RENAMED, change("Ada", "Lovelace"), {}),
        (ChangeType.CONFIG_NEEDS_ATTENTION, {"field_errors": WRONG}, {}),
        (ChangeType.CONFIG_CHANGED, {**NEW, "fields": {"a": change(None, 1)}, "workflows": {}}, NEW),
        (ChangeType.EVENT_DEAD, {"id": "e", "move": "customer", "reason": "no"}, {"id": "e", "move": "customer"}),
        *(
            (type_, change("a", "b"), change("a", "b"))
            for type_ in ChangeType
            if type_.value.startswith(("connection.", "work."))
            or type_.value.endswith(("created", "missing", "deleted"))
        ),
    ],
)
def test_nothing_personal_stays_in_the_entry_of_an_account_that_is_gone(
    type_: ChangeType, data: dict[str, Any], left: dict[str, Any]
) -> None:
    assert without_values(type_, data) == left
