"""The comparison on which the demo's last line stands: it must find every kind of difference, and no other."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db import MirroredAccount, MirroredConfig, MirroredConnection
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus
from cobalt_mirror.workers.demo.compare import MirrorRows, compare
from cobalt_mirror.workers.handlers.configs import config_columns
from cobalt_mirror.workers.handlers.reading import connection_columns

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Sandbox:
    """One account with a connection through two auth types and a config that has a password."""
    sandbox = Sandbox(clock=lambda: NOW, rate_limited=False)
    with Client("tk_sandbox", base_url="http://sandbox", transport=SandboxTransport(sandbox)) as client:
        client.upsert_account("acme", name="Acme", udf={"plan": "pro"})
        client.config("acme", "postgresql")
    sandbox.connect("acme", "jira", auth_type="oauth2")
    sandbox.connect("acme", "jira", auth_type="keybased")
    sandbox.connect("acme", "postgresql")
    sandbox.edit_config("acme", "postgresql", fields={"schema": "public", "ssl_key": "a secret"})
    return sandbox


@pytest.fixture
def mirror(sandbox: Sandbox) -> MirrorRows:
    """What the workers would have written of it."""
    with Client("tk_sandbox", base_url="http://sandbox", transport=SandboxTransport(sandbox)) as client:
        connections = [
            MirroredConnection(
                linked_account_id="acme",
                slug=slug,
                verified_at=NOW,
                **connection_columns(client.fetch_application("acme", slug).connected_accounts),
            )
            for slug in ("jira", "postgresql")
        ]
        config = MirroredConfig(
            linked_account_id="acme",
            slug="postgresql",
            config_id="acme",
            connection_id="",
            verified_at=NOW,
            **config_columns(client.fetch_config("acme", "postgresql")),
        )
    account = MirroredAccount(
        linked_account_id="acme",
        name="Acme",
        udf={"plan": "pro"},
        environment="test",
        status=AccountStatus.ACTIVE,
        verified_at=NOW,
    )
    return MirrorRows(accounts=[account], connections=connections, configs=[config])


def differences(mirror: MirrorRows, sandbox: Sandbox) -> list[tuple[str, str]]:
    return [(one.what, one.column) for one in compare(mirror, sandbox.state())]


def test_a_mirror_that_is_right_has_no_difference(mirror: MirrorRows, sandbox: Sandbox) -> None:
    assert compare(mirror, sandbox.state()) == []


def test_what_cobalt_has_and_the_mirror_lacks_is_a_difference(sandbox: Sandbox) -> None:
    assert differences(MirrorRows(), sandbox) == [
        ("account", "row"),
        ("connection", "row"),
        ("connection", "row"),
        ("config", "row"),
    ]


def test_what_the_mirror_has_and_cobalt_lacks_is_a_difference(mirror: MirrorRows) -> None:
    assert len(differences(mirror, Sandbox())) == 4


def test_rows_that_say_that_something_is_gone_agree_with_its_absence(mirror: MirrorRows) -> None:
    gone = MirrorRows(
        accounts=[replace(mirror.accounts[0], status=AccountStatus.MISSING)],
        connections=[replace(row, status=ConnectionStatus.DISCONNECTED, accounts=[]) for row in mirror.connections],
        configs=[replace(mirror.configs[0], status=ConfigStatus.DELETED, fields={})],
    )

    assert compare(gone, Sandbox().state()) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"name": "Other"}, "name"),
        ({"udf": {"plan": "free"}}, "udf"),
        ({"status": "pending"}, "status"),
        ({"environment": "production"}, "environment"),
    ],
)
def test_every_column_of_an_account_is_compared(
    mirror: MirrorRows, sandbox: Sandbox, change: dict[str, Any], found: str
) -> None:
    changed = replace(mirror, accounts=[replace(mirror.accounts[0], **change)])

    assert differences(changed, sandbox) == [("account", found)]


@pytest.mark.parametrize(
    "change",
    [
        {"identifier": "somebody else"},
        {"status": "expired"},
        {"connected_at": "2026-01-31T12:00:00.001Z"},
        {"connected_at": "2026-01-31T11:59:59.999Z"},
    ],
)
def test_every_connected_account_of_a_connection_is_compared(
    mirror: MirrorRows, sandbox: Sandbox, change: dict[str, str]
) -> None:
    jira, other = mirror.connections
    accounts = [{**one, **change} if one["auth_type"] == "oauth2" else one for one in jira.accounts or []]
    changed = replace(mirror, connections=[replace(jira, accounts=accounts), other])

    assert differences(changed, sandbox) == [("connection", f"accounts.oauth2.{next(iter(change))}")]


def test_a_connected_account_too_few_is_a_difference(mirror: MirrorRows, sandbox: Sandbox) -> None:
    jira, other = mirror.connections
    changed = replace(mirror, connections=[replace(jira, accounts=(jira.accounts or [])[:1]), other])

    found = differences(changed, sandbox)
    assert {what for what, _ in found} == {"connection"}
    assert len({column.split(".")[1] for _, column in found}) == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"fields": {}}, "fields.schema"),
        ({"fields": {"schema": "public", "ssl_key": "a secret"}}, "fields.ssl_key"),
        (
            {"workflows": [{"id": "postgresql_load", "enabled": True, "fields": {}}]},
            "workflows.postgresql_load.enabled",
        ),
        ({"field_errors": [{"id": "schema", "error": {"message": "no"}}]}, "field_errors.schema"),
    ],
)
def test_values_workflows_and_errors_of_a_config_are_compared_and_no_password_may_be_there(
    mirror: MirrorRows, sandbox: Sandbox, change: dict[str, Any], found: str
) -> None:
    changed = replace(mirror, configs=[replace(mirror.configs[0], **change)])

    assert differences(changed, sandbox) == [("config", found)]


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, 1.0), ([1], [True])])
def test_values_that_python_calls_equal_differ_if_their_json_does(
    mirror: MirrorRows, sandbox: Sandbox, one: Any, other: Any
) -> None:
    sandbox.change_settings(value_types_checked=False)
    sandbox.edit_config("acme", "postgresql", fields={"schema": one})

    for value, found in ((one, []), (other, [("config", "fields.schema")])):
        changed = replace(mirror, configs=[replace(mirror.configs[0], fields={"schema": value})])
        assert differences(changed, sandbox) == found


def test_a_difference_reads_as_one_line(mirror: MirrorRows, sandbox: Sandbox) -> None:
    changed = replace(mirror, accounts=[replace(mirror.accounts[0], name="Other")])

    assert [str(one) for one in compare(changed, sandbox.state())] == [
        "account acme: name: mirror 'Other', Cobalt 'Acme'"
    ]
