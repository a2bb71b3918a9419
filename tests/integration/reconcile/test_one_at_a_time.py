"""One run at a time, and what becomes of runs that are killed."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cobalt_mirror.db.errors import PlaceTaken
from cobalt_mirror.db.runs import PLACE_TTL
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.journey.wires import Died, Wire, die
from tests.integration.reconcile.runs import at_cobalt, reconcile, run_row
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Twelve customers whom the mirror does not know yet."""
    world = make_world(options={"reconcile_config_share": 0})
    at_cobalt(world, range(12), "slack")
    return world


class OnPage:
    """Does something when the walk asks for a page."""

    def __init__(self, page: int, action: Callable[[], object]) -> None:
        self._page, self._action = str(page), action

    def __call__(self, request: httpx.Request) -> None:
        if request.url.params.get("page") == self._page:
            self._action()


def kill_on_page(world: World, page: int, **options: Any) -> None:
    with pytest.raises(Died):
        reconcile(world, wire=Wire(world, before=OnPage(page, die)), page_size=3, **options)


def places_expire(world: World) -> None:
    world.clock.pass_time(PLACE_TTL.total_seconds() + 1)


def pages_asked_for(world: World) -> int:
    return world.calls().count("list_accounts")


def test_a_second_run_is_told_that_the_place_is_taken(world: World) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(PlaceTaken) as told:
            reconcile(world, dry_run=True)
        refused.append(str(told.value))

    report = reconcile(world, wire=Wire(world, before=OnPage(2, second)), page_size=3)

    assert report.run.id in refused[0]
    assert report.ending is Ending.IN_AGREEMENT
    assert [row["id"] for row in world.rows("runs")] == [report.run.id]
    assert reconcile(world).ending is Ending.IN_AGREEMENT  # the place is free again


def test_a_run_that_was_killed_is_resumed_and_no_page_is_lost(world: World) -> None:
    kill_on_page(world, 4)
    (killed,) = world.rows("runs")
    assert (killed["finished_at"], killed["pages"], killed["position"]) == (None, 3, 9)
    places_expire(world)
    world.calls()
    report = reconcile(world, page_size=3)

    assert pages_asked_for(world) == 2  # the last one that was committed, and the one that was not
    assert (report.ending, report.run.resumes) == (Ending.IN_AGREEMENT, killed["id"])
    assert len(world.rows("linked_accounts", status="active")) == 12
    first = world.row("runs", id=killed["id"])
    assert first["finished_at"] is None
    assert first["stopped_because"] == f"killed; resumed by {report.run.id}"
    assert run_row(world, report)["walking_since"] == first["started_at"]
    assert world.rows("walked") == []


def test_what_the_killed_run_saw_is_not_suspected_missing(world: World) -> None:
    reconcile(world)
    world.clock.pass_time(3_600 * 5)
    kill_on_page(world, 4)
    places_expire(world)
    world.catalogue.refresh()
    world.calls()
    report = reconcile(world, page_size=3)

    assert world.calls() == ["list_accounts"] * 2
    assert report.ending is Ending.IN_AGREEMENT


def test_a_run_that_is_killed_again_and_again_gets_through(world: World) -> None:
    for page in (2, 3, 4):
        kill_on_page(world, page)
        places_expire(world)
    report = reconcile(world, page_size=3)

    assert report.ending is Ending.IN_AGREEMENT
    assert len(world.rows("linked_accounts")) == 12
    assert [row["finished_at"] is None for row in world.rows("runs")].count(True) == 3


def test_accounts_that_were_deleted_while_nobody_walked_move_nothing_out_of_sight(world: World) -> None:
    kill_on_page(world, 4)
    places_expire(world)
    for number in (11, 10, 9, 8):
        world.sandbox.delete_account(f"a{number}")
    report = reconcile(world, page_size=3)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.truth()["accounts"].items() <= world.mirror()["accounts"].items()


def test_a_run_that_is_killed_while_it_reads_goes_on_reading(world: World) -> None:
    reconcile(world)
    world.clock.pass_time(60)
    for number in range(4):
        world.sandbox.rename_account(f"a{number}", "New name")
    reads: list[str] = []

    def die_on_the_third(request: httpx.Request) -> None:
        if "page" not in request.url.params and request.url.path.count("/linked-account/"):
            reads.append(request.url.path)
            if len(reads) == 3:
                die()

    with pytest.raises(Died):
        reconcile(world, wire=Wire(world, before=die_on_the_third))
    places_expire(world)
    world.catalogue.refresh()
    world.calls()
    report = reconcile(world)

    assert report.ending is Ending.IN_AGREEMENT
    assert pages_asked_for(world) == 0
    assert {row["name"] for row in world.rows("linked_accounts")} >= {"New name"}
    assert world.mirror()["accounts"] == world.truth()["accounts"]


@pytest.mark.parametrize(
    ("options", "waited_seconds"), [({"deep": True}, 121), ({}, 3_700)], ids=["other options", "too long ago"]
)
def test_a_walk_begins_anew_with(world: World, options: dict[str, Any], waited_seconds: float) -> None:
    kill_on_page(world, 4)
    world.clock.pass_time(waited_seconds)
    world.calls()
    report = reconcile(world, page_size=3, **options)

    assert report.run.resumes is None
    assert pages_asked_for(world) == 4
    assert len(world.rows("linked_accounts")) == 12


def test_another_kind_of_run_in_between_does_not_spoil_the_one_to_be_resumed(world: World) -> None:
    reconcile(world)
    world.clock.pass_time(60)
    kill_on_page(world, 4)
    places_expire(world)
    reconcile(world, account="a1")
    world.catalogue.refresh()
    world.calls()
    report = reconcile(world, page_size=3)

    assert report.run.resumes is not None
    assert world.calls() == ["list_accounts"] * 2


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_says_so_gives_the_place_back_and_is_resumed(
    world: World, interrupt: type[BaseException]
) -> None:
    def stop() -> None:
        raise interrupt

    with pytest.raises(interrupt):
        reconcile(world, wire=Wire(world, before=OnPage(3, stop)), page_size=3)
    (stopped,) = world.rows("runs")
    assert (stopped["finished_at"], stopped["stopped_because"]) == (None, "interrupted")
    report = reconcile(world, page_size=3)

    assert report.run.resumes == stopped["id"]
    assert len(world.rows("linked_accounts")) == 12


def test_a_run_that_slept_too_long_writes_nothing_more(world: World) -> None:
    def sleep() -> None:
        places_expire(world)
        reconcile(world, page_size=3)

    report = reconcile(world, wire=Wire(world, before=OnPage(3, sleep)), page_size=3)

    assert report.ending is Ending.UNFINISHED
    row = run_row(world, report)
    assert row["pages"] == 2
    assert "resumed by" in row["stopped_because"]
    assert len(world.rows("linked_accounts")) == 12
