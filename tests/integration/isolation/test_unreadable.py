"""A row that cannot be read ends as dead, with its reason, and costs nobody else anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.db.strays import mend_strays
from cobalt_mirror.events import ConfigChanged, Event, UserSignedUp
from cobalt_mirror.workers.ops.customer import read_customer
from cobalt_mirror.workers.ops.feed import read_changes
from cobalt_mirror.workers.ops.overview import read_overview
from cobalt_mirror.workers.terminal.output import to_json
from cobalt_mirror.workers.web.answers import FeedPage, respond
from tests.around import around_the_rules
from tests.commands import Shell
from tests.integration.isolation.rows import ON_POSTGRESQL, ON_SQLITE, Bad, Inserter
from tests.world import World


def bad_rows(world: World) -> list[Bad]:
    return ON_SQLITE if world.engine.dialect.name == "sqlite" else ON_POSTGRESQL


def test_each_is_dead_with_its_reason_and_everybody_else_is_served(world: World) -> None:
    rows = bad_rows(world)
    with around_the_rules(world.engine) as connection:
        Inserter(connection).insert(rows)
    good: list[Event] = [UserSignedUp(f"good {number}", name="Good", udf={}) for number in range(5)]
    good += [UserSignedUp("bad 1", name="Good", udf={}), ConfigChanged("bad 2", "slack", fields={"mention": "@a"})]
    world.publish(*good)
    with world.engine.begin() as connection:
        mend_strays(connection, world.clock())
    world.work()

    assert world.statuses(good) == ["done"] * len(good)
    ends = {row["fingerprint"]: row for row in world.rows("events")}
    for row in rows:
        end = ends[row.name]
        if row.reason is None:
            assert end["status"] == "done", row.name
        else:
            assert (end["status"], end["move"]) == ("dead", "operator"), row.name
            assert str(end["last_error"]).startswith(row.reason), (row.name, end["last_error"])
    assert world.mirror() == world.truth()


def test_a_person_is_shown_each_before_and_after(world: World) -> None:
    rows = bad_rows(world)
    with around_the_rules(world.engine) as connection:
        Inserter(connection).insert(rows)
    for dead in (0, sum(row.reason is not None for row in rows)):
        overview = read_overview(world.engine, dead=1_000)
        assert (len(overview.dead), overview.pending) == (dead, 0 if dead else len(rows))
        for number, row in enumerate(rows, start=1):
            if "linked_account_id" not in row.columns:
                customer = read_customer(world.engine, f"bad {number}", limit=10, database="here")
                assert [event.last_error is not None for event in customer.events] == [bool(dead and row.reason)]
        with world.engine.begin() as connection:
            mend_strays(connection, world.clock())
        world.work()


LISTS = [
    ["status", "--offline", "--dead", "1000"],
    ["dead", "list", "--limit", "1000"],
    ["dead", "replay", "--all", "--dry-run"],
    ["events", "list", "--limit", "1000"],
    ["secrets", "status"],
    ["notices", "list"],
    ["changes"],
]


def test_a_program_is_told_of_each_before_and_after(world: World, tmp_path: Path) -> None:
    rows = bad_rows(world)
    with around_the_rules(world.engine) as connection:
        Inserter(connection).insert(rows)
    shell = Shell(tmp_path, {"DATABASE_URL": world.database_url, "MIRROR_SECRET_KEYS": world.secret_keys})
    for dead in (0, sum(row.reason is not None for row in rows)):
        lists = {" ".join(command[:2]): read(shell, *command) for command in LISTS}
        letters = lists["dead list"]["events"]
        assert [len(letters), len(lists["events list"])] == [dead, len(rows)]
        for number, row in enumerate(rows, start=1):
            if "linked_account_id" not in row.columns:
                customer = read_customer(world.engine, f"bad {number}", limit=10, database="here")
                parse(to_json(customer))
        with world.engine.begin() as connection:
            mend_strays(connection, world.clock())
        world.work()
    changes = read_changes(Numbering(world.engine), after=None, limit=1_000)
    parse(bytes(respond(FeedPage(changes=changes, after=0)).body))
    for letter in letters:
        if str(letter["reason"]).startswith(("name: ", "udf.n: ", "payload: ")):
            assert read(shell, "dead", "show", letter["id"])["payload"] == letter["payload"]
            assert read(shell, "events", "show", letter["id"])["payload"] == letter["payload"]
            assert read(shell, "show", letter["linked_account_id"])["account"] is None
            assert read(shell, "explain", letter["linked_account_id"])["lines"]


def read(shell: Shell, *command: str) -> Any:
    """Run a command with `--json`, and return its document."""
    ended = shell.run_here(*command, "--json")
    assert ended.status in {0, 3}, (command, ended.errors)  # 3: `status` says that nothing runs here
    return parse(ended.output)


def parse(document: str | bytes) -> Any:
    """Read JSON as a strict program does, which knows no NaN and no halves of surrogate pairs."""
    return json.loads(document.encode() if isinstance(document, str) else document, parse_constant=pytest.fail)
