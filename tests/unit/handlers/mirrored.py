"""Whether what an attempt records is what Cobalt shows afterwards, for tests of handlers."""

from typing import Any

from cobalt_mirror.cobalt import Client
from cobalt_mirror.workers.handlers.configs import config_columns
from cobalt_mirror.workers.handlers.connections import connection_columns
from cobalt_mirror.workers.handlers.findings import Findings
from tests.unit.entries import ACCOUNT

DELETED = {"status": "deleted", "fields": {}, "workflows": [], "schema": {}, "field_errors": []}


def recorded(found: Findings, table: str) -> dict[str, Any]:
    """What is recorded in a table, by the last part of the row's key."""
    return {list(change.key.values())[-1]: change.columns for change in found.changes if change.table.name == table}


def assert_as_at_cobalt(found: Findings, client: Client) -> None:
    """Everything that is recorded is as Cobalt shows it."""
    slug = found.loaded.slug
    shown = connection_columns(client.fetch_application(ACCOUNT, slug).connected_accounts)
    assert recorded(found, "connections") in ({}, {slug: shown})
    assert found.connection is None or (found.connection.status, found.connection.accounts) == (
        shown["status"],
        shown["accounts"],
    )
    listed = [reference.config_id for reference in client.fetch_configs(ACCOUNT, slug)]
    configs = {id_: config_columns(client.fetch_config(ACCOUNT, slug, config_id=id_)) for id_ in listed}
    for config_id, columns in recorded(found, "configs").items():
        assert columns == configs.get(config_id, DELETED)
    assert all({"linked_account_id": ACCOUNT}.items() <= change.key.items() for change in found.changes)
