"""What the mirror and its history say of an account that is gone for good."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from cobalt_mirror.db import find_account, list_configs, list_connections, list_history
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import end_account, record_change
from cobalt_mirror.db.rows import ConfigKey, account_change, config_change, connection_change
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BEFORE, END = Because(at=NOON, cause={}), Because(at=NOON + timedelta(hours=1), cause={"events": ["the end"]})


@pytest.fixture
def acme(engine: Engine) -> Engine:
    """An account with two connections, one of them gone already, and a config."""
    changes = [
        account_change("acme", status=AccountStatus.ACTIVE, name="Acme", udf={"plan": "pro"}),
        connection_change("acme", "slack", status=ConnectionStatus.CONNECTED, accounts=[{"identifier": "me@acme"}]),
        connection_change("acme", "jira", status=ConnectionStatus.DISCONNECTED, accounts=[]),
        config_change(
            "acme",
            "slack",
            ConfigKey("c"),
            status=ConfigStatus.INSTALLED,
            fields={"a": 1},
            workflows=[],
            schema={},
            field_errors=[],
        ),
    ]
    with engine.begin() as connection:
        for change in changes:
            record_change(connection, change, BEFORE)
    return engine


def ended(engine: Engine) -> list[tuple[str, str | None, object]]:
    """What the history says of the end, oldest first."""
    with engine.begin() as connection:
        end_account(connection, "acme", END)
        entries = [each for each in list_history(connection, "acme") if each.recorded_at == END.at]
    assert all(each.because == END.cause for each in entries)
    return [(each.what, each.slug, each.changes) for each in reversed(entries)]


def test_the_history_of_an_end_names_the_statuses_before_and_nothing_else(acme: Engine) -> None:
    assert ended(acme) == [
        ("linked_account", None, {"status": ["active", "deleted"]}),
        ("connection", "slack", {"status": ["connected", "disconnected"]}),
        ("config", "slack", {"status": ["installed", "deleted"]}),
    ]


def test_all_rows_show_the_end_and_hold_nothing_more(acme: Engine) -> None:
    ended(acme)

    with acme.connect() as connection:
        account = find_account(connection, "acme")
        connections, configs = list_connections(connection, "acme"), list_configs(connection, "acme")
    assert account is not None
    assert (account.status, account.name, account.udf) == (AccountStatus.DELETED, None, None)
    assert [row.status for row in connections] == ["disconnected", "disconnected"]
    assert [(row.status, row.fields) for row in configs] == [("deleted", {})]
    assert "me@acme" not in repr(connections)
    assert {row.verified_at for row in connections} | {row.verified_at for row in configs} == {account.verified_at}
    assert account.verified_at == END.at


def test_an_account_that_the_mirror_never_knew_is_deleted_too(engine: Engine) -> None:
    assert ended(engine) == [("linked_account", None, {"status": [None, "deleted"]})]


def test_a_second_end_changes_no_status_and_leaves_no_entry(acme: Engine) -> None:
    ended(acme)
    with acme.begin() as connection:
        number_of_entries = len(list_history(connection, "acme"))
        end_account(connection, "acme", Because(at=NOON + timedelta(hours=2), cause={}))
        assert len(list_history(connection, "acme")) == number_of_entries
