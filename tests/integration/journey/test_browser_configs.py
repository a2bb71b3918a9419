"""What customers do with configs in the browser, of which the mirror hears only by events and reads."""

from collections.abc import Callable
from typing import Any

import pytest

from cobalt_mirror.events import ConfigChanged, ConfigRemoved, ConnectionAuthorized, Event, UserSignedUp
from tests.integration.journey.replay import check_history
from tests.world import World


@pytest.fixture
def acme(make_world: Callable[..., World]) -> World:
    """A world in which `acme` is connected to slack, with a config that the mirror shows."""
    world = make_world()
    world.fill_catalogue()
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.clock.pass_time(60)
    world.publish(ConnectionAuthorized("acme", "slack"), ConfigChanged("acme", "slack", fields={"mention": "@a"}))
    world.work_until_quiet()
    world.clock.pass_time(60)
    world.calls()
    return world


@pytest.mark.parametrize(
    ("event", "status"),
    [
        pytest.param(ConnectionAuthorized("acme", "slack"), "installed", id="an authorisation makes it anew"),
        pytest.param(ConfigChanged("acme", "slack"), "deleted", id="an empty change reads it"),
        pytest.param(ConfigRemoved("acme", "slack"), "deleted", id="a removal of it"),
    ],
)
def test_the_configs_that_went_with_a_connection_are_gone_here_too(acme: World, event: Event, status: str) -> None:
    acme.sandbox.disconnect("acme", "slack")
    acme.clock.pass_time(60)
    acme.sandbox.connect("acme", "slack")
    again = type(event)(**{name: getattr(event, name) for name in ("linked_account_id", "slug")})
    acme.publish(again)
    acme.work_until_quiet()

    row = acme.row("configs")
    assert (row["status"], row["fields"]) == (status, {})
    assert acme.event(again)["status"] == "done"
    assert acme.mirror()["configs"] == acme.truth()["configs"]
    check_history(acme)


@pytest.mark.parametrize(
    "fields", [{"mention": "@new"}, {"channel": "alerts"}], ids=["the same field", "another field"]
)
def test_a_change_that_finds_its_config_empty_has_the_others_read(acme: World, fields: dict[str, Any]) -> None:
    acme.publish(ConfigChanged("acme", "slack", config_id="eu", fields={"mention": "@eu"}))
    acme.work_until_quiet()
    acme.clock.pass_time(3_600)
    acme.sandbox.disconnect("acme", "slack")
    acme.clock.pass_time(5)
    acme.sandbox.connect("acme", "slack")
    acme.clock.pass_time(60)
    acme.publish(ConfigChanged("acme", "slack", config_id="eu", fields=fields))
    acme.work_until_quiet()

    assert acme.mirror() == acme.truth()
    assert [row["config_id"] for row in acme.rows("configs", status="installed")] == ["eu"]
    check_history(acme)


def test_a_change_of_a_config_that_holds_what_the_mirror_shows_costs_no_read(acme: World) -> None:
    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@new"}))
    acme.work_until_quiet()

    assert acme.calls() == ["find_or_create_config", "replace_config"]


@pytest.mark.parametrize("slug", ["slack", "hubspot", "xero"])
def test_an_empty_change_creates_nothing(acme: World, slug: str) -> None:
    if slug == "slack":
        acme.client.delete_config("acme", "slack")
    before = acme.truth()
    change = ConfigChanged("acme", slug)
    acme.publish(change)
    acme.work_until_quiet()

    assert acme.truth() == before
    assert [row["status"] for row in acme.rows("configs", slug=slug)] == (["deleted"] if slug == "slack" else [])
    assert acme.event(change)["status"] == "done"
    assert acme.event(change)["detail"]


def test_a_config_that_cobalt_does_not_show_yet_is_looked_at_again(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.fill_catalogue()
    world.client.upsert_account("acme")
    change = ConfigChanged("acme", "slack")
    world.publish(change)
    world.work()
    assert (world.event(change)["status"], world.rows("configs")) == ("pending", [])

    world.client.config("acme", "slack")  # the customer saved it, and only now Cobalt shows it
    world.work_until_quiet()
    assert world.event(change)["status"] == "done"
    assert world.mirror()["configs"] == world.truth()["configs"] != {}


def test_a_removed_config_is_deleted_at_cobalt_and_in_the_history(acme: World) -> None:
    acme.client.config("acme", "slack", config_id="second")
    removal, other = ConfigRemoved("acme", "slack"), ConfigRemoved("acme", "slack", config_id="second")
    acme.publish(removal, other)
    acme.work_until_quiet()

    assert acme.calls() == ["find_or_create_config", "delete_config", "delete_config"]
    assert acme.truth()["configs"] == {}
    assert {row["config_id"]: row["status"] for row in acme.rows("configs")} == {"acme": "deleted", "second": "deleted"}
    assert acme.rows("history")[-1]["because"]["events"][0]["id"] == removal.id
    check_history(acme)

    acme.publish(ConfigChanged("acme", "slack", fields={"mention": "@b"}))
    acme.work_until_quiet()
    assert acme.mirror() == acme.truth()
    assert acme.row("configs", config_id="acme")["fields"] == {"mention": "@b"}
