"""The organisation's own applications: the listing names them by `app_id`, and the catalogue says which they are."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db.tables import applications
from cobalt_mirror.workers.reconcile import Ending, Options
from tests.integration.journey.replay import check_history
from tests.integration.journey.wires import Wire
from tests.integration.reconcile.runs import at_cobalt, disable, mirrored, reconcile, reconciliation, run_row
from tests.world import World

QUIET = {"reconcile_config_share": 0, "catalogue_refresh_seconds": 1e7}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Ten customers at Cobalt: each is connected to Slack, every third to an application of the organisation's own.

    The mirror is empty, and no connection is read only because its turn has come.
    """
    world = make_world(options=QUIET)
    at_cobalt(world, range(10), "slack")
    for number in range(0, 10, 3):
        world.sandbox.connect(f"a{number}", "order_desk")
    return world


@pytest.fixture
def settled(world: World) -> World:
    """The same, and the mirror agrees."""
    assert reconcile(world).ending is Ending.IN_AGREEMENT
    world.calls()
    return world


def slugs(world: World, account: str) -> list[str]:
    return [row["slug"] for row in world.rows("connections", linked_account_id=account, status="connected")]


def test_a_first_run_into_an_empty_mirror_adopts_them_under_their_own_slugs(world: World) -> None:
    report = reconcile(world, page_size=5)

    assert report.ending is Ending.IN_AGREEMENT
    assert world.calls() == ["list_accounts", "list_applications", "list_accounts"]
    assert (report.run.unmapped, dict(report.unmapped)) == (0, {})
    assert slugs(world, "a3") == ["order_desk", "slack"]
    assert slugs(world, "a4") == ["slack"]
    assert world.rows("connections", slug="custom") == []
    check_history(world)


def test_an_idle_pass_over_known_applications_costs_its_pages_only(settled: World) -> None:
    before = mirrored(settled)
    report = reconcile(settled, page_size=5)

    assert settled.calls() == ["list_accounts"] * 2
    assert (report.ending, report.run.calls) == (Ending.IN_AGREEMENT, 2)
    assert mirrored(settled) == before


def test_what_changed_of_a_custom_application_is_found(settled: World) -> None:
    settled.sandbox.connect("a1", "warehouse", auth_type="keybased")
    settled.sandbox.disconnect("a3", "order_desk")
    settled.sandbox.expire_connection("a6", "order_desk")
    report = reconcile(settled)

    assert report.ending is Ending.IN_AGREEMENT
    assert slugs(settled, "a1") == ["slack", "warehouse"]
    assert slugs(settled, "a3") == ["slack"]
    assert settled.row("connections", linked_account_id="a6", slug="order_desk")["status"] == "reauth_required"


def test_a_catalogue_older_than_an_application_is_read_again_once(settled: World) -> None:
    with settled.engine.begin() as connection:  # as if the application had been made since
        connection.execute(applications.delete().where(applications.c.slug == "order_desk"))
    first, second = reconcile(settled, page_size=2), reconcile(settled, page_size=2)

    assert settled.calls().count("list_applications") == 1
    assert (first.ending, second.ending) == (Ending.IN_AGREEMENT, Ending.IN_AGREEMENT)
    assert (first.run.calls, second.run.calls) == (6, 5)
    assert settled.row("applications", slug="order_desk")["app_id"] is not None


def test_an_application_that_the_mirror_knows_as_disabled_is_mapped_without_a_call(settled: World) -> None:
    disable(settled, "order_desk")
    settled.calls()
    report = reconcile(settled)

    assert settled.row("applications", slug="order_desk")["enabled"] is False
    assert settled.calls() == ["list_accounts"]
    assert (report.ending, report.run.unmapped) == (Ending.IN_AGREEMENT, 0)


@pytest.fixture
def unknown(world: World) -> World:
    """The ten customers again; nobody can see the custom application in the catalogue."""
    world.sandbox.disable_application("order_desk")
    return world


def test_what_stays_unknown_is_counted_and_named_and_never_agreed(unknown: World) -> None:
    first, second = reconcile(unknown, page_size=2), reconcile(unknown, page_size=2)

    assert (first.ending, second.ending) == (Ending.DIFFERENCES_LEFT, Ending.DIFFERENCES_LEFT)
    assert unknown.calls() == (["list_accounts"] + ["list_applications"] + ["list_accounts"] * 4) * 2
    assert run_row(unknown, first)["unmapped"] == run_row(unknown, second)["unmapped"] == 4
    assert list(first.unmapped.values()) == ["Order Desk"]
    assert {row["slug"] for row in unknown.rows("connections")} == {"slack"}
    assert len(unknown.rows("linked_accounts")) == 10


def test_once_it_is_enabled_its_connections_are_found(unknown: World) -> None:
    reconcile(unknown)
    unknown.sandbox.enable_application("order_desk")
    report = reconcile(unknown)

    assert (report.ending, report.run.unmapped) == (Ending.IN_AGREEMENT, 0)
    assert unknown.mirror()["connections"].keys() >= {("a3", "order_desk")}


def test_a_connection_is_counted_once_although_the_walk_sees_its_account_twice(unknown: World) -> None:
    """The listing becomes shorter during the walk, so the walk steps back and reads a page again."""
    pages: list[str] = []

    def delete_some(request: httpx.Request) -> None:
        pages.extend(request.url.params.get_list("page"))
        if pages == ["1", "2"]:
            unknown.sandbox.delete_account("a8")

    report = reconcile(unknown, wire=Wire(unknown, before=delete_some), page_size=4)

    assert pages == ["1", "2", "1", "2", "3"]
    assert (report.run.compared > 10, report.run.unmapped) == (True, 4)


def test_a_resumed_run_does_not_forget_what_it_counted(unknown: World) -> None:
    def fail_after_two_pages(request: httpx.Request) -> None:
        if request.url.params.get("page") == "3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile(unknown, wire=Wire(unknown, before=fail_after_two_pages), page_size=4)
    report = reconcile(unknown, page_size=4)

    assert report.run.resumes is not None
    assert (report.ending, report.run.unmapped) == (Ending.DIFFERENCES_LEFT, 4)


# --- a dry run, and a run for one account -----------------------------------------------------------------------------


def test_a_dry_run_reads_the_catalogue_and_leaves_the_mirror_as_it_is(world: World) -> None:
    world.client.upsert_account("known")
    reconcile(world, account="known")
    world.sandbox.connect("known", "order_desk")
    before = mirrored(world)
    world.calls()
    report = reconcile(world, dry_run=True)

    assert world.calls().count("list_applications") == 1
    assert mirrored(world) == before
    assert {(each.linked_account_id, each.slug) for each in report.differences} >= {("known", "order_desk")}
    assert report.run.unmapped == 0


def test_a_dry_run_says_what_is_unknown_too(settled: World) -> None:
    settled.sandbox.connect("a1", "warehouse", auth_type="keybased")
    settled.sandbox.disable_application("warehouse")
    with settled.engine.begin() as connection:
        connection.execute(applications.delete().where(applications.c.slug == "warehouse"))
    before = mirrored(settled)
    report = reconcile(settled, dry_run=True)

    assert (report.ending, list(report.differences)) == (Ending.DIFFERENCES_LEFT, [])
    assert (report.run.unmapped, list(report.unmapped.values())) == (1, ["Warehouse"])
    assert mirrored(settled) == before


def test_one_account_is_mapped_as_well(world: World) -> None:
    report = reconcile(world, account="a3")

    assert (report.ending, report.run.unmapped) == (Ending.IN_AGREEMENT, 0)
    assert world.calls()[:2] == ["read_account", "list_applications"]
    assert slugs(world, "a3") == ["order_desk", "slack"]


def test_one_account_with_an_unknown_application_does_not_agree(unknown: World) -> None:
    report = reconcile(unknown, account="a3")

    assert (report.ending, report.run.unmapped) == (Ending.DIFFERENCES_LEFT, 1)
    assert slugs(unknown, "a3") == ["slack"]


# --- when the catalogue cannot be read --------------------------------------------------------------------------------


def test_a_catalogue_that_fails_for_a_moment_is_asked_for_again(world: World) -> None:
    world.sandbox.add_faults(
        Fault(route="list_applications", answer=Answer.ERROR, times=1),
        Fault(route="list_applications", answer=Answer.THROTTLE, times=1),
    )
    report = reconcile(world)

    assert (report.ending, report.run.unmapped) == (Ending.IN_AGREEMENT, 0)
    assert slugs(world, "a3") == ["order_desk", "slack"]


def test_a_catalogue_that_stays_away_ends_the_run_and_nothing_is_believed(world: World) -> None:
    world.sandbox.add_faults(Fault(route="list_applications", answer=Answer.ERROR))
    report = reconcile(world)

    assert report.ending is Ending.UNFINISHED
    assert "500" in (report.run.stopped_because or "")
    assert world.rows("connections") == []
    world.sandbox.clear_faults()
    assert reconcile(world).ending is Ending.IN_AGREEMENT


def test_an_account_that_goes_before_the_catalogue_is_read_through_it_is_replaced_by_another(world: World) -> None:
    def delete_it(request: httpx.Request) -> None:
        if request.url.path.endswith("/application") and request.headers["linked_account_id"] == "a9":
            world.sandbox.delete_account("a9")

    run = reconciliation(world, wire=Wire(world, before=delete_it))
    report = run.run(Options())

    assert report.run.unmapped == 0
    assert slugs(world, "a6") == ["order_desk", "slack"]


# --- what identifies a connection -------------------------------------------------------------------------------------


def test_tokens_that_are_renewed_every_hour_cost_no_read(settled: World) -> None:
    for _ in range(3):
        settled.clock.pass_time(3_600)
        for account, slug in (("a3", "slack"), ("a3", "order_desk"), ("a4", "slack")):
            settled.sandbox.renew_token(account, slug)
        report = reconcile(settled)
        assert (report.ending, report.run.calls) == (Ending.IN_AGREEMENT, 1)


def test_a_token_that_was_renewed_before_the_mirror_read_it_costs_no_read_either(settled: World) -> None:
    settled.clock.pass_time(3_600)
    settled.sandbox.renew_token("a3", "order_desk")
    reconcile(settled, account="a3")  # the mirror has the renewed time now
    settled.calls()

    assert (reconcile(settled).ending, settled.calls()) == (Ending.IN_AGREEMENT, ["list_accounts"])


def test_a_connection_made_anew_after_its_token_was_renewed_is_read(settled: World) -> None:
    settled.clock.pass_time(3_600)
    settled.sandbox.renew_token("a3", "order_desk")
    reconcile(settled, account="a3")
    settled.clock.pass_time(60)
    settled.sandbox.disconnect("a3", "order_desk")
    settled.sandbox.connect("a3", "order_desk")
    before = settled.row("connections", linked_account_id="a3", slug="order_desk")["connected_at"]
    report = reconcile(settled)

    assert report.ending is Ending.IN_AGREEMENT
    after = settled.row("connections", linked_account_id="a3", slug="order_desk")["connected_at"]
    assert after - before >= timedelta(seconds=60)
