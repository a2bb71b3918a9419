"""What a mirror may say of its age."""

from collections.abc import Callable

import pytest

from cobalt_mirror.cobalt.sandbox import Answer, Fault
from cobalt_mirror.db import find_account, integrations, list_connections
from cobalt_mirror.db.engine import reading
from cobalt_mirror.events import UserDeleted, UserSignedUp
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, reconcile
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world in which no connection is read only because its turn has come."""
    return make_world(options={"reconcile_config_share": 0})


def freshness(world: World, account: str) -> list[object]:
    with reading(world.engine).begin() as connection:
        found = find_account(connection, account)
        assert found is not None
        return [found.fresh_at, *(one.fresh_at for one in list_connections(connection, account))]


def page(world: World, account: str) -> dict[str, object]:
    """When each application of a customer's page is known to have been so."""
    with reading(world.engine).begin() as connection:
        return {one.slug: one.fresh_at for one in integrations(connection, account)}


def test_the_page_of_a_customer_tells_its_age(world: World) -> None:
    at_cobalt(world, [1, 2], "slack")
    first = reconcile(world)
    assert page(world, "a1")["slack"] == page(world, "a1")["notion"] == first.run.started_at
    assert set(page(world, "unknown").values()) == {None}
    world.clock.pass_time(3_600)
    world.sandbox.expire_connection("a1", "slack")
    world.sandbox.add_faults(Fault(answer=Answer.ERROR, route="read_application"))
    second = reconcile(world)

    assert (page(world, "a1")["slack"], page(world, "a1")["notion"]) == (None, second.run.started_at)
    assert set(page(world, "a2").values()) == {second.run.started_at}


def test_a_deleted_account_is_not_compared_so_a_pass_makes_nothing_of_it_fresh(world: World) -> None:
    at_cobalt(world, [1], "slack")
    reconcile(world)
    world.publish(UserDeleted("a1"))
    world.work_until_quiet()
    world.clock.pass_time(3_600)
    reconcile(world)

    verified_at = world.row("linked_accounts")["verified_at"]
    assert freshness(world, "a1")[0] == verified_at
    assert page(world, "a1")["notion"] is None


def test_what_a_complete_pass_left_untouched_is_as_fresh_as_its_start(world: World) -> None:
    at_cobalt(world, [1], "slack")
    first = reconcile(world)
    assert freshness(world, "a1") == [first.run.started_at] * 2
    world.clock.pass_time(3_600)
    second = reconcile(world)

    assert freshness(world, "a1") == [second.run.started_at] * 2
    assert world.row("linked_accounts")["verified_at"] is None  # for nobody read it


def test_a_later_read_is_fresher_than_the_pass(world: World) -> None:
    at_cobalt(world, [1])
    reconcile(world)
    world.clock.pass_time(60)
    world.publish(UserSignedUp("a1"))
    world.work_until_quiet()

    assert freshness(world, "a1") == [world.row("linked_accounts")["verified_at"]]


def test_an_unfinished_run_and_a_run_over_a_part_make_nothing_fresh(world: World) -> None:
    at_cobalt(world, [1], "slack")
    first = reconcile(world)
    world.clock.pass_time(3_600)
    reconcile(world, account="a1", dry_run=True)
    reconcile(world, dry_run=True)
    world.sandbox.add_faults(Fault(answer=Answer.ERROR))
    assert reconcile(world).ending is Ending.UNFINISHED

    assert freshness(world, "a1") == [first.run.started_at] * 2


def test_what_a_pass_left_in_doubt_is_not_fresh_before_it_is_read(world: World) -> None:
    at_cobalt(world, [1, 2], "slack")
    reconcile(world)
    world.clock.pass_time(3_600)
    world.sandbox.expire_connection("a1", "slack")
    world.sandbox.add_faults(Fault(answer=Answer.ERROR, route="read_application"))
    report = reconcile(world)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert freshness(world, "a1") == [report.run.started_at, None]
    assert freshness(world, "a2") == [report.run.started_at] * 2
    world.sandbox.clear_faults()
    world.work_until_quiet()
    assert freshness(world, "a1")[1] == world.row("connections", linked_account_id="a1")["verified_at"] is not None


def test_a_listing_without_integrations_says_nothing_of_connections(world: World) -> None:
    at_cobalt(world, [1], "slack")
    first = reconcile(world)
    world.clock.pass_time(3_600)
    world.sandbox.change_settings(listing_carries_integrations=False)
    second = reconcile(world)

    assert freshness(world, "a1") == [second.run.started_at, first.run.started_at]


def test_a_sign_up_that_did_not_get_through_yet_was_never_fresh(world: World) -> None:
    world.sandbox.add_faults(Fault(answer=Answer.ERROR, route="upsert_account"))
    world.publish(UserSignedUp("a1", name="A", udf={}))
    world.work()
    reconcile(world)

    assert world.row("linked_accounts")["status"] == "pending"
    with reading(world.engine).begin() as connection:
        found = find_account(connection, "a1")
    assert found is not None
    assert found.fresh_at == found.verified_at
