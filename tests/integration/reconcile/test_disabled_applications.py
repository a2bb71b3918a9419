"""An application that is not enabled cannot be read: its connections are not said to agree unless something says so."""

from collections.abc import Callable
from typing import Any

import pytest

from cobalt_mirror.db.tables import applications, connections
from cobalt_mirror.workers.reconcile import Ending
from tests.integration.reconcile.runs import at_cobalt, disable, mirrored, reconcile
from tests.world import World

OPTIONS = {"reconcile_config_share": 0, "catalogue_refresh_seconds": 1e7}
OURS = {"linked_account_id": "a1", "slug": "order_desk"}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Three customers that are connected to an application of the organisation's own, which is then disabled."""
    world = make_world(options=OPTIONS)
    at_cobalt(world, range(3), "order_desk", "slack")
    assert reconcile(world, deep=True).ending is Ending.IN_AGREEMENT
    disable(world, "order_desk")
    world.calls()
    return world


def test_while_nothing_differs_the_listing_is_enough(world: World) -> None:
    before = mirrored(world)
    report = reconcile(world)

    assert (report.ending, world.calls()) == (Ending.IN_AGREEMENT, ["list_accounts"])
    assert mirrored(world) == before


@pytest.mark.parametrize("options", [{"deep": True}, {"account": "a1"}])
def test_configs_that_cannot_be_read_are_left(world: World, options: dict[str, Any]) -> None:
    before = world.rows("configs"), world.rows("connections", slug="order_desk")
    report = reconcile(world, **options)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert report.run.left == (1 if "account" in options else 3)
    assert (world.rows("configs"), world.rows("connections", slug="order_desk")) == before
    dry = reconcile(world, dry_run=True, **options)
    assert (dry.ending, dry.run.left) == (report.ending, report.run.left)
    world.sandbox.enable_application("order_desk")
    assert reconcile(world, deep=True).ending is Ending.IN_AGREEMENT


def test_they_do_not_keep_others_from_their_turn(make_world: Callable[..., World]) -> None:
    world = make_world(options={**OPTIONS, "reconcile_config_share": 0.5})
    at_cobalt(world, range(2), "order_desk", "slack")
    reconcile(world, account="a0")
    reconcile(world, account="a1")
    disable(world, "order_desk")
    world.clock.pass_time(60)
    began = world.clock()
    report = reconcile(world)

    assert (report.ending, report.run.left) == (Ending.IN_AGREEMENT, 0)
    read = {row["slug"] for row in world.rows("looks") if row["looked_at"] >= began}
    assert read == {"slack"}


def test_what_differs_in_an_account_does_not_have_them_read_along(world: World) -> None:
    world.sandbox.expire_connection("a1", "slack")
    report = reconcile(world)

    assert (report.ending, report.run.left, report.run.repaired) == (Ending.IN_AGREEMENT, 0, 1)


def test_one_that_expired_is_seen_in_the_accounts_own_answer(world: World) -> None:
    world.sandbox.expire_connection("a1", "order_desk")
    before = world.row("connections", **OURS)
    first, second = reconcile(world), reconcile(world)

    assert (first.ending, first.run.repaired) == (Ending.IN_AGREEMENT, 1)
    after = world.row("connections", **OURS)
    assert (after["status"], after["accounts"]) == ("reauth_required", before["accounts"])
    assert (second.ending, second.run.calls) == (Ending.IN_AGREEMENT, 1)


def test_one_that_is_gone_is_seen_in_the_accounts_own_answer(world: World) -> None:
    world.sandbox.disconnect("a1", "order_desk")
    first, second = reconcile(world), reconcile(world)

    assert (first.ending, second.ending) == (Ending.IN_AGREEMENT, Ending.IN_AGREEMENT)
    assert world.row("connections", **OURS)["status"] == "disconnected"
    assert second.run.calls == 1


def test_one_that_the_mirror_does_not_have_is_taken_over_from_the_accounts_own_answer(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            connections.delete().where(connections.c.linked_account_id == "a1", connections.c.slug == "order_desk")
        )
    report = reconcile(world)

    assert (report.ending, report.run.repaired) == (Ending.IN_AGREEMENT, 1)
    row = world.row("connections", **OURS)
    assert (row["status"], row["accounts"]) == ("connected", None)


def test_one_whose_id_is_not_known_either_is_left_and_not_called_gone(world: World) -> None:
    """After an upgrade the catalogue in the mirror has no ids until it is read, and a disabled one is not read."""
    with world.engine.begin() as connection:
        connection.execute(applications.update().values(app_id=None))
    report = reconcile(world)

    assert report.ending is Ending.DIFFERENCES_LEFT
    assert (report.run.unmapped, report.run.left) == (3, 3)
    assert {row["status"] for row in world.rows("connections")} == {"connected"}


def test_connections_that_an_earlier_version_invented_disappear_without_the_brake(
    make_world: Callable[..., World],
) -> None:
    world = make_world(options={**OPTIONS, "reconcile_brake_count": 1})
    at_cobalt(world, range(5), "order_desk")
    assert reconcile(world).ending is Ending.IN_AGREEMENT
    with world.engine.begin() as connection:
        connection.execute(connections.update().values(slug="custom"))
    first, second = reconcile(world), reconcile(world)

    assert (first.ending, second.ending) == (Ending.IN_AGREEMENT, Ending.IN_AGREEMENT)
    statuses = {(row["slug"], row["status"]) for row in world.rows("connections")}
    assert statuses == {("custom", "disconnected"), ("order_desk", "connected")}
    assert second.run.calls == 1
