"""A listing that suddenly lacks much is not believed."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cobalt_mirror.workers.reconcile import Ending
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import at_cobalt, mirrored, reconcile, run_row
from tests.world import World


class Forgetful(Wire):
    """Cobalt with a listing that shows only what `keeps` leaves of it."""

    def __init__(self, world: World, keeps: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        super().__init__(world)
        self._keeps = keeps

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if "page" not in request.url.params:
            return response
        page = response.json()
        docs = self._keeps(page["docs"])
        told = {**page, "docs": docs, "totalDocs": len(docs)}  # all are on one page
        return httpx.Response(response.status_code, json=told, request=request)


def half(docs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return docs[::2]


def without_integrations(docs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "integrations": []} for one in docs]


@pytest.fixture
def many(make_world: Callable[..., World]) -> World:
    world = make_world(options={"reconcile_config_share": 0})
    at_cobalt(world, range(60), "slack")
    reconcile(world)
    world.clock.pass_time(60)
    world.calls()
    return world


def test_a_run_that_is_stopped_has_adopted_nobody(many: World) -> None:
    many.client.upsert_account("new")
    many.calls()
    report = reconcile(many, wire=Forgetful(many, lambda docs: [*docs[:20], *docs[60:]]))

    assert report.ending is Ending.UNFINISHED
    assert many.rows("linked_accounts", linked_account_id="new") == []
    assert many.rows("walked") == []
    again = reconcile(many)
    assert (again.ending, again.run.adopted) == (Ending.IN_AGREEMENT, 1)
    assert many.row("linked_accounts", linked_account_id="new")["status"] == "active"
    assert many.mirror()["accounts"] == many.truth()["accounts"]


@pytest.mark.parametrize(("broken", "told"), [(half, "30 of 60 accounts"), (without_integrations, "60 of 60 connect")])
def test_a_listing_that_lost_much_stops_the_run_before_any_read_and_any_change(
    many: World, broken: Callable[..., Any], told: str
) -> None:
    before = mirrored(many)
    report = reconcile(many, wire=Forgetful(many, broken))

    assert report.ending is Ending.UNFINISHED
    assert many.calls() == ["list_accounts"]
    assert mirrored(many) == before
    row = run_row(many, report)
    assert row["finished_at"] is None
    assert told in row["stopped_because"]
    assert "--allow-missing" in row["stopped_because"]
    assert many.rows("checks") == many.rows("suspicions") == many.rows("walked") == []


def test_the_run_after_a_braked_one_asks_anew(many: World) -> None:
    reconcile(many, wire=Forgetful(many, half))
    report = reconcile(many)

    assert (report.ending, report.run.resumes) == (Ending.IN_AGREEMENT, None)


def test_the_override_lets_one_run_through_and_only_that_one(many: World) -> None:
    for number in range(0, 60, 2):
        many.sandbox.delete_account(f"a{number}")
    assert reconcile(many).ending is Ending.UNFINISHED
    allowed = reconcile(many, allow_missing=True)

    assert allowed.ending is Ending.IN_AGREEMENT
    assert len(many.rows("linked_accounts", status="missing")) == 30
    assert many.mirror()["accounts"] == many.truth()["accounts"]
    for number in range(1, 60, 2):
        many.sandbox.delete_account(f"a{number}")
    assert reconcile(many).ending is Ending.UNFINISHED
    assert len(many.rows("linked_accounts", status="missing")) == 30


def test_one_account_lost_out_of_ten_does_not_stop_it(world: World) -> None:
    at_cobalt(world, range(10), "slack")
    reconcile(world)
    world.clock.pass_time(60)
    world.sandbox.delete_account("a3")
    report = reconcile(world)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.row("linked_accounts", status="missing")["linked_account_id"] == "a3"


def test_a_dry_run_that_is_braked_tells_what_the_listing_suggests(many: World) -> None:
    report = reconcile(many, wire=Forgetful(many, half), dry_run=True)

    assert report.ending is Ending.UNFINISHED
    assert len(report.differences) == 30
    assert {(one.column, one.cobalt, one.is_proved) for one in report.differences} == {("status", "not listed", False)}
    assert many.rows("suspicions") == []
