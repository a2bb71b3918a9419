"""The walk: what it costs, what it adopts, what it must not touch, and what it may not overlook."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db.history import Because
from cobalt_mirror.db.mirror import record_row
from cobalt_mirror.db.tables import linked_accounts
from cobalt_mirror.events import ConnectionAuthorized, UserDeleted, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.journey.replay import check_history
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import MIRROR, at_cobalt, mirrored, reconcile, run_row
from tests.world import World

QUIET = {"reconcile_config_share": 0}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world in which no connection is read only because its turn has come."""
    return make_world(options=QUIET)


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[str] = []

    def note(*told: Any) -> None:
        sent.append(told[2])

    event.listen(world.engine, "before_cursor_execute", note)
    yield sent
    event.remove(world.engine, "before_cursor_execute", note)


def verb_and_table(statement: str) -> tuple[str, str]:
    """What a statement does, and to which table if it writes."""
    verb = statement.split(maxsplit=1)[0].upper()
    found = re.match(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:\w+\.)?(\w+)", statement)
    return verb, found[1] if found else ""


def names(world: World, **wanted: Any) -> set[str]:
    return {row["linked_account_id"] for row in world.rows("linked_accounts", **wanted)}


def test_a_first_import_costs_a_call_a_page_and_explains_itself(world: World) -> None:
    at_cobalt(world, range(25), "slack")
    report = reconcile(world, page_size=10)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.calls().count("list_accounts") == 3
    row = run_row(world, report)
    assert (row["pages"], row["compared"], row["adopted"], row["left"]) == (3, 25, 25, 0)
    assert world.mirror()["accounts"] == world.truth()["accounts"]
    connection = world.row("connections", linked_account_id="a7")
    assert (connection["status"], connection["accounts"], connection["verified_at"]) == ("connected", None, None)
    changes = world.rows("history", linked_account_id="a7")
    assert [(one["what"], one["because"]) for one in changes] == [
        ("linked_account", {"run": report.run.id}),
        ("connection", {"run": report.run.id}),
    ]
    check_history(world)
    assert world.row("state", key="environment")["value"] == "test"


def test_an_idle_pass_costs_a_call_a_page_and_updates_not_one_row(make_world: Callable[..., World]) -> None:
    world = make_world(options=QUIET)
    at_cobalt(world, range(2_000), "slack")
    reconcile(world)
    before = mirrored(world)
    world.calls()
    with statements(world) as sent:
        report = reconcile(world)

    tables = {name for verb, name in map(verb_and_table, sent) if verb != "SELECT"}
    assert tables & {"runs", "walked"} == {"runs", "walked"}
    assert tables & {*MIRROR, "history", "looks", "checks", "work", "events"} == set()
    assert world.calls() == ["list_accounts"] * 20
    assert mirrored(world) == before
    assert report.ending is Ending.IN_AGREEMENT
    row = run_row(world, report)
    assert (row["pages"], row["compared"], row["adopted"], row["repaired"], row["calls"]) == (20, 2_000, 0, 0, 20)
    assert world.rows("walked") == world.rows("suspicions") == []


def test_the_limit_of_the_answer_is_believed(make_world: Callable[..., World]) -> None:
    world = make_world(options=QUIET)
    at_cobalt(world, range(130))
    report = reconcile(world, page_size=500)  # the sandbox gives 100 at most

    assert report.ending is Ending.IN_AGREEMENT
    assert run_row(world, report)["pages"] == 2
    assert len(names(world)) == 130


def test_a_mirror_that_events_made_is_in_agreement(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    for auth_type in ("oauth2", "keybased"):
        world.sandbox.connect("acme", "hubspot", auth_type=auth_type)
        world.clock.pass_time(60)
    world.publish(ConnectionAuthorized("acme", "hubspot"))
    world.work_until_quiet()
    world.catalogue.refresh()
    before = mirrored(world)
    report = reconcile(world)

    assert (report.ending, run_row(world, report)["calls"]) == (Ending.IN_AGREEMENT, 1)
    assert mirrored(world) == before


def test_a_connection_that_was_connected_again_costs_no_read(world: World) -> None:
    at_cobalt(world, [1], "slack")
    world.clock.pass_time(60)
    world.sandbox.connect("a1", "slack")  # again: what the listing calls its creation stays
    world.publish(UserSignedUp("a1"), ConnectionAuthorized("a1", "slack"))
    world.work_until_quiet()
    world.catalogue.refresh()
    report = reconcile(world)

    assert (report.ending, report.run.calls, report.run.repaired) == (Ending.IN_AGREEMENT, 1, 0)


def test_a_tombstone_is_never_overwritten(world: World) -> None:
    at_cobalt(world, [1, 2], "slack")
    with world.engine.begin() as connection:
        row = {"linked_account_id": "a1", "status": "deleted"}
        record_row(connection, linked_accounts, row, Because(at=world.clock(), cause={"events": []}))
    before = world.row("linked_accounts", linked_account_id="a1")
    report = reconcile(world)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.row("linked_accounts", linked_account_id="a1") == before
    assert world.rows("connections", linked_account_id="a1") == []
    assert names(world, status="active") == {"a2"}


def test_a_deleted_account_that_somebody_made_anew_is_told_by_its_receipt(world: World) -> None:
    at_cobalt(world, [1, 2], "slack")
    reconcile(world)
    world.publish(UserDeleted("a1"))
    world.work_until_quiet()
    at_cobalt(world, [1], "slack")
    before = {name: world.rows(name, linked_account_id="a1") for name in (*MIRROR[:3], "history")}
    report = reconcile(world)

    assert world.calls() == ["list_accounts", "read_account"]
    assert (report.ending, report.first_returned) == (Ending.DIFFERENCES_LEFT, "a1")
    assert {name: world.rows(name, linked_account_id="a1") for name in before} == before
    assert "publish user_deleted to delete it" in world.row("deletions")["note"]
    assert names(world, status="active") == {"a2"}


def test_integrations_that_the_listing_leaves_out_are_unknown_not_gone(make_world: Callable[..., World]) -> None:
    world = make_world(options=QUIET)
    at_cobalt(world, range(3), "slack")
    reconcile(world)
    world.sandbox.change_settings(listing_carries_integrations=False)
    at_cobalt(world, [9], "slack")
    before = world.rows("connections")
    report = reconcile(world)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.rows("connections") == before
    assert names(world) == {"a0", "a1", "a2", "a9"}
    assert run_row(world, report)["untold"] == 4


def test_accounts_that_slip_to_an_earlier_page_are_found_all_the_same(world: World) -> None:
    """The sandbox lists the newest first; deleting one on a page behind the walk moves one over the boundary."""
    at_cobalt(world, range(12))
    pages: list[str] = []

    def delete_some(request: httpx.Request) -> None:
        pages.extend(request.url.params.get_list("page"))
        if pages == ["1", "2"]:
            for number in (11, 10, 9):
                world.sandbox.delete_account(f"a{number}")

    report = reconcile(world, wire=Wire(world, before=delete_some), page_size=4)

    assert pages == ["1", "2", "1", "2", "3"]
    assert set(world.truth()["accounts"]) <= names(world, status="active")
    assert report.ending is Ending.IN_AGREEMENT


def test_a_listing_that_shrinks_with_every_page_does_not_hold_the_walk_for_ever(world: World) -> None:
    at_cobalt(world, range(60))
    numbers = iter(range(59, 0, -1))

    def shrink(_request: httpx.Request) -> None:
        world.sandbox.delete_account(f"a{next(numbers)}")

    report = reconcile(world, wire=Wire(world, before=shrink), page_size=4)

    assert report.run.walked_at is not None


def test_accounts_that_arrive_during_the_walk_do_no_harm(world: World) -> None:
    at_cobalt(world, range(10))
    arriving = iter(range(100, 106))

    def arrive(request: httpx.Request) -> None:
        number = next(arriving, None)
        if number is not None and "page" in request.url.params:
            world.client.upsert_account(f"a{number}")

    report = reconcile(world, wire=Wire(world, before=arrive), page_size=4)

    assert report.ending is Ending.IN_AGREEMENT
    assert {f"a{number}" for number in range(10)} <= names(world, status="active")


def test_a_page_that_fails_is_asked_for_again(world: World) -> None:
    at_cobalt(world, range(6))
    world.sandbox.add_faults(
        Fault(answer=Answer.ERROR, times=1), Fault(answer=Answer.HTML, times=1), Fault(answer=Answer.THROTTLE, times=2)
    )
    report = reconcile(world, page_size=3)

    assert report.ending is Ending.IN_AGREEMENT
    assert len(names(world)) == 6


def test_a_listing_that_stays_away_ends_the_run_and_nothing_is_believed(world: World) -> None:
    at_cobalt(world, range(6))
    reconcile(world)
    before = {name: world.rows(name) for name in MIRROR}
    world.sandbox.add_faults(Fault(answer=Answer.ERROR))
    report = reconcile(world)

    assert report.ending is Ending.UNFINISHED
    row = run_row(world, report)
    assert (row["finished_at"], row["walked_at"]) == (None, None)
    assert "500" in row["stopped_because"]
    assert {name: world.rows(name) for name in MIRROR} == before
    assert world.rows("runs", place="reconcile") == []
