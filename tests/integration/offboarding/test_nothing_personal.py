"""Nothing that anybody told us of a customer outlives their deletion, whatever table or column it came to."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Column, Table

from cobalt_mirror.db import tables
from cobalt_mirror.db.columns import Json, Words
from cobalt_mirror.events import UserDeleted, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World

PERSONAL = "Ada Lovelace"
#: What a row needs so that the schema takes it.
NEEDED: dict[str, dict[str, Any]] = {
    "events": {"id": "old", "type": "config_changed", "slug": "slack", "status": "dead", "source": "hand"},
    "linked_accounts": {"status": "active"},
    "connections": {"slug": "slack", "status": "connected"},
    "configs": {"slug": "slack", "config_id": "ada", "status": "installed"},
    "history": {"what": "config", "slug": "slack"},
    "changes": {"type": "config.changed", "slug": "slack"},
    "workflow_runs": {"workflow_id": "w", "config_id": "ada"},
    "notifications": {"slug": "slack"},
    "suspicions": {"run_id": "r", "slug": "slack", "kind": "changed", "outcome": "left"},
    "looks": {"slug": "slack"},
    "walked": {"run_id": "r"},
    "checks": {"slug": "slack"},
    "denials": {},
    "calls": {"slug": "slack", "method": "GET", "path": "/", "took_ms": 1, "waited_ms": 0, "outcome": "answered"}
    | {"attempt": "a"},
    "notices": {"slug": "slack", "receiver": "r", "position": 1, "id": "n", "type": "config.changed"}
    | {"status": "pending"},
}
#: Our own words, and the name of Cobalt's event: nobody's. `work` and `deletions` have no words of others.
OURS = {
    ("history", "because"),
    ("calls", "because"),
    ("checks", "reason"),
    ("notifications", "event"),
    ("notices", "detail"),
}


def tables_of_accounts() -> list[Table]:
    return [table for table in tables.metadata.sorted_tables if "linked_account_id" in table.c]


def told_by_others(table: Table) -> Iterator[Column[Any]]:
    """The columns that hold what customers, hosts and Cobalt said."""
    for column in table.c:
        if isinstance(column.type, Words | Json) and (table.name, column.name) not in OURS:
            yield column


def fill(world: World, table: Table) -> None:
    """A row of the customer with something personal wherever there is room for it."""
    row: dict[str, Any] = {"linked_account_id": "ada", **NEEDED[table.name]}
    for column in table.c:
        if column.name in row or column.autoincrement is True:
            continue
        if (table.name, column.name) in OURS:
            row[column.name] = {} if isinstance(column.type, Json) else "ours"
        elif column in set(told_by_others(table)):
            row[column.name] = {"name": [None, PERSONAL]} if isinstance(column.type, Json) else PERSONAL
        elif not column.nullable and column.server_default is None:
            row[column.name] = world.clock()
    with world.engine.begin() as connection:
        connection.execute(table.insert().values(row))


def test_every_column_of_every_table_is_stripped(world: World) -> None:
    world.client.upsert_account("ada", name=PERSONAL)
    filled = [table for table in tables_of_accounts() if table.name not in {"deletions", "work"}]
    for table in filled:
        fill(world, table)
    marked = {
        (table.name, column.name)
        for table in filled
        for column in told_by_others(table)
        for row in world.rows(table.name)
        if PERSONAL in repr(row[column.name])
    }
    assert marked == {(table.name, column.name) for table in filled for column in told_by_others(table)}
    assert {name for name, _ in marked} >= {"events", "configs", "history", "notifications", "suspicions"}

    world.publish(UserSignedUp("ada", name=PERSONAL, auth_credentials={"key": PERSONAL}), UserDeleted("ada"))
    world.work_until_quiet()

    assert PERSONAL not in world.everything_stored()
    assert world.row("deletions")["confirmed_at"] is not None
    for name in ("workflow_runs", "suspicions", "looks", "walked", "checks", "denials", "work", "calls"):
        assert world.rows(name) == [], name


def test_no_table_with_accounts_escapes_the_test() -> None:
    assert {table.name for table in tables_of_accounts()} == {*NEEDED, "deletions", "work"}
    for table in (tables.deletions, tables.work):
        assert list(told_by_others(table)) == []


@pytest.mark.parametrize("route", ["/linked-account", "/application/"])
def test_an_account_that_is_deleted_while_a_run_of_reconcile_reads_it_does_no_harm(world: World, route: str) -> None:
    at_cobalt(world, range(3), "slack")
    reconcile(world, deep=True)
    world.clock.pass_time(60)
    for number in range(3):
        world.sandbox.expire_connection(f"a{number}", "slack")
        world.sandbox.rename_account(f"a{number}", PERSONAL)
    deleted: list[str] = []

    def delete_it_first(request: httpx.Request) -> None:
        """Another worker carries out a deletion just before this account's turn comes."""
        if route in request.url.path and "page" not in request.url.params and not deleted:
            deleted.append("a2")
            world.publish(UserDeleted("a2"))
            world.work()

    report = reconcile(world, wire=Wire(world, before=delete_it_first), deep=True)
    world.work_until_quiet()

    assert deleted == ["a2"]
    assert report.ending is Ending.IN_AGREEMENT
    assert world.mirror() == world.truth()
    assert set(world.mirror()["accounts"]) == {"a0", "a1"}
    for name in ("looks", "suspicions", "walked", "checks"):
        assert world.rows(name, linked_account_id="a2") == [], name
