"""Whether what an attempt records is what Cobalt shows afterwards, for tests of handlers."""

from collections.abc import Mapping
from typing import Any

from cobalt_mirror.cobalt import Client
from cobalt_mirror.workers.handlers.configs import config_columns
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.reading import connection_columns
from tests.unit.entries import ACCOUNT

DELETED = {"status": "deleted", "fields": {}, "workflows": [], "schema": {}, "field_errors": []}


def recorded(found: Findings, table: str) -> dict[str, Any]:
    """What is recorded in a table, by the last part of the row's key; a config's may have the connection with it."""
    return {_last(change.key): change.columns for change in found.changes if change.table.name == table}


def _last(key: Mapping[str, str]) -> str:
    if "config_id" not in key:
        return list(key.values())[-1]
    return "/".join(part for part in (key["config_id"], key["connection_id"]) if part)


def assert_as_at_cobalt(found: Findings, client: Client) -> None:
    """Everything that is recorded is as Cobalt shows it."""
    slug = found.loaded.slug
    shown = connection_columns(client.fetch_application(ACCOUNT, slug).connected_accounts)
    assert recorded(found, "connections") in ({}, {slug: shown})
    assert found.connection is None or (found.connection.status, found.connection.accounts) == (
        shown["status"],
        shown["accounts"],
    )
    listed = [(each.config_id, each.connection_id) for each in client.fetch_configs(ACCOUNT, slug)]
    configs = {
        f"{id_}/{name}" if name else id_: config_columns(
            client.fetch_config(ACCOUNT, slug, config_id=id_, connection_id=name)
        )
        for id_, name in listed
    }
    for config_id, columns in recorded(found, "configs").items():
        assert columns == configs.get(config_id, DELETED)
    assert all({"linked_account_id": ACCOUNT}.items() <= change.key.items() for change in found.changes)
