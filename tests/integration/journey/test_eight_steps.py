"""The eight steps of the flow, each with the calls that it may cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp, WorkflowPatch
from tests.integration.journey.customers import Customer
from tests.world import World


def test_a_sign_up_creates_the_account_with_one_call(world: World) -> None:
    event = UserSignedUp("acme", name="Acme", udf={"plan": "pro"})
    world.publish(event)
    world.work_until_quiet()

    assert world.calls() == ["upsert_account"]
    row = world.row("linked_accounts", linked_account_id="acme")
    assert (row["name"], row["udf"], row["status"], row["environment"]) == ("Acme", {"plan": "pro"}, "active", "test")
    assert world.event(event)["status"] == "done"
    assert world.mirror() == world.truth()


def test_a_second_sign_up_updates_name_and_udf_with_one_call(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    world.calls()
    world.publish(UserSignedUp("acme", name="Acme Inc", udf={"plan": "free"}))
    world.work_until_quiet()

    assert world.calls() == ["upsert_account"]
    assert world.mirror() == world.truth()
    assert world.mirror()["accounts"] == {"acme": ("Acme Inc", {"plan": "free"})}


def test_a_verified_authorisation_is_mirrored_with_its_config(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.calls()
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()

    assert world.calls() == ["read_application", "find_or_create_config"]
    row = world.row("connections", linked_account_id="acme", slug="slack")
    assert row["status"] == "connected"
    (account,) = row["accounts"]
    assert account["auth_type"] == "oauth2"
    assert account["identifier"]
    assert row["connected_at"] == datetime.fromisoformat(account["connected_at"])
    assert world.mirror() == world.truth()


def test_ten_waiting_config_changes_cost_two_calls(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.calls()
    events = [ConfigChanged("acme", "slack", fields={"mention": f"@{number}"}) for number in range(10)]
    world.publish(*events)
    world.work_until_quiet()

    assert world.calls() == ["find_or_create_config", "replace_config"]
    assert world.row("configs", slug="slack")["fields"]["mention"] == "@9"
    assert world.statuses(events) == ["superseded"] * 9 + ["done"]
    assert world.mirror() == world.truth()


def test_a_removal_disconnects_with_two_calls_and_takes_the_configs_along(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.sandbox.connect("acme", "slack")
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()
    world.calls()
    world.publish(ConnectionRemoved("acme", "slack", occurred_at=datetime.now(UTC)))
    world.work_until_quiet()

    assert world.calls() == ["read_application", "delete_integration"]
    assert world.row("connections", slug="slack")["status"] == "disconnected"
    assert world.row("configs", slug="slack")["status"] == "deleted"
    assert world.mirror() == world.truth()


def _connected(world: World, slug: str, *auth_types: str) -> None:
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    for auth_type in auth_types:
        world.sandbox.connect("acme", slug, auth_type=auth_type)
    world.publish(ConnectionAuthorized("acme", slug))
    world.work_until_quiet()
    world.calls()


def test_removing_both_auth_types_costs_four_calls_as_every_one_follows_a_read(world: World) -> None:
    _connected(world, "hubspot", "oauth2", "keybased")
    world.clock.pass_time(60)  # a read that contradicts what was just learned is made once more
    world.publish(ConnectionRemoved("acme", "hubspot"))
    world.work_until_quiet()

    assert world.calls() == ["read_application", "delete_integration"] * 2
    assert world.row("connections")["status"] == "disconnected"
    assert world.row("configs")["status"] == "deleted"
    assert world.mirror() == world.truth()


def test_removing_one_auth_type_leaves_the_other_connected_and_the_configs_as_they_are(world: World) -> None:
    _connected(world, "hubspot", "oauth2", "keybased")
    world.clock.pass_time(60)  # a read that contradicts what was just learned is made once more
    world.publish(ConnectionRemoved("acme", "hubspot", auth_type="keybased"))
    world.work_until_quiet()

    assert world.calls() == ["read_application", "delete_integration"]
    row = world.row("connections")
    assert (row["status"], [account["auth_type"] for account in row["accounts"]]) == ("connected", ["oauth2"])
    assert world.row("configs")["status"] == "installed"
    assert world.mirror() == world.truth()


def test_a_removal_leaves_a_connection_that_was_made_after_it(world: World) -> None:
    _connected(world, "slack", "oauth2")
    removal = ConnectionRemoved("acme", "slack")
    world.publish(removal)
    world.clock.pass_time(5)
    world.sandbox.connect("acme", "slack")  # the customer is back before any worker came round
    world.publish(ConnectionAuthorized("acme", "slack"))
    world.work_until_quiet()

    assert "delete_integration" not in world.calls()
    assert "not removed, as it was connected after this removal: " in world.event(removal)["detail"]
    assert world.row("connections")["status"] == "connected"
    assert world.mirror() == world.truth()


def test_a_removal_by_a_host_whose_clock_is_behind_removes_what_the_mirror_showed(world: World) -> None:
    _connected(world, "slack", "oauth2")
    world.publish(ConnectionRemoved("acme", "slack", occurred_at=datetime.now(UTC) - timedelta(minutes=5)))
    world.work_until_quiet()

    assert world.row("connections")["status"] == "disconnected"
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("is_notified", [False, True])
def test_a_removal_by_a_host_whose_clock_is_behind_removes_what_the_mirror_has_not_seen(
    world: World, is_notified: bool
) -> None:
    customer = Customer(world)
    customer.connect("slack")
    behind = world.clock() - timedelta(minutes=3)
    if is_notified:
        customer.deliver(customer.notifications())
    customer.publish(ConnectionAuthorized("acme", "slack", occurred_at=behind))
    world.clock.pass_time(60)
    removal = customer.publish(ConnectionRemoved("acme", "slack", occurred_at=behind + timedelta(seconds=60)))
    world.work_until_quiet()

    assert customer.connected("slack") == []
    assert customer.detail(removal) == ("done", None)
    assert world.mirror() == world.truth()


def test_a_patch_changes_what_it_names_clears_with_null_and_leaves_the_rest(world: World) -> None:
    _connected(world, "slack", "oauth2")
    world.publish(
        ConfigChanged(
            "acme",
            "slack",
            fields={"channel": "general", "mention": "@a"},
            workflows=[{"id": "slack_notify", "enabled": True, "fields": {"template": "hi", "digest": True}}],
        )
    )
    world.work_until_quiet()
    world.sandbox.edit_config("acme", "slack", fields={"mention": "@browser"})  # the customer, in the browser
    world.calls()
    world.publish(
        ConfigChanged(
            "acme",
            "slack",
            fields={"channel": None},
            workflows=[{"id": "slack_notify", "fields": {"digest": None}}],
        )
    )
    world.work_until_quiet()

    assert world.calls() == ["find_or_create_config", "replace_config"]
    row = world.row("configs")
    assert row["fields"] == {"mention": "@browser"}
    notify = next(workflow for workflow in row["workflows"] if workflow["id"] == "slack_notify")
    assert (notify["enabled"], notify["fields"]) == (True, {"template": "hi"})
    assert world.mirror() == world.truth()


def test_an_empty_patch_reads_and_mirrors_with_one_call(world: World) -> None:
    _connected(world, "slack", "oauth2")
    world.clock.pass_time(60)  # a read that contradicts what was just learned is made once more
    world.sandbox.edit_config("acme", "slack", fields={"mention": "@browser"})
    world.publish(ConfigChanged("acme", "slack"))
    world.work_until_quiet()

    assert world.calls() == ["read_config"]
    assert world.row("configs")["fields"] == {"mention": "@browser"}


def test_field_errors_land_in_the_mirror(world: World) -> None:
    _connected(world, "slack", "oauth2")
    event = ConfigChanged("acme", "slack", fields={"channel": "no such channel"})
    world.publish(event)
    world.work_until_quiet()

    assert world.event(event)["status"] == "done"
    (error,) = world.row("configs")["field_errors"]
    assert error["id"] == "channel"
    assert error["error"]["message"]


def test_a_config_row_holds_the_schema_that_a_form_needs(world: World) -> None:
    _connected(world, "slack", "oauth2")

    channel = next(field for field in world.row("configs")["schema"]["fields"] if field["id"] == "channel")
    assert (channel["field_type"], channel["required"]) == ("select", True)
    assert {option["value"] for option in channel["options"]} == {"general", "random", "alerts"}


def test_the_config_is_not_found_by_itself_when_the_setting_says_so(make_world: Callable[..., World]) -> None:
    world = make_world(options={"find_config_on_authorization": False})
    _connected(world, "slack", "oauth2")

    assert world.rows("configs") == []


@pytest.mark.parametrize("shown", ["shown", "masked", "left_out"])
def test_a_password_that_an_answer_hides_is_not_destroyed(make_world: Callable[..., World], shown: str) -> None:
    world = make_world(sandbox_settings={"password_values": shown})
    _connected(world, "postgresql", "keybased")
    secrets: dict[str, Any] = {"ssl_key": "the-client-key", "schema": "public"}
    workflow: WorkflowPatch = {"id": "postgresql_load", "enabled": True, "fields": {"row_secret": "the-row-key"}}
    world.publish(ConfigChanged("acme", "postgresql", fields=secrets, workflows=[workflow]))
    world.work_until_quiet()
    world.publish(ConfigChanged("acme", "postgresql", fields={"schema": "app", "batch_size": 10}))
    world.publish(ConfigChanged("acme", "postgresql", workflows=[{"id": "postgresql_load", "enabled": False}]))
    world.work_until_quiet()

    (truth,) = world.sandbox.state(secrets=True)["configs"]
    assert truth["fields"] == {"ssl_key": "the-client-key", "schema": "app", "batch_size": 10}
    assert "the-row-key" in repr(truth["workflows"])
    assert world.mirror() == world.truth()
    assert world.rows("events", status="dead") == []
    assert "the-client-key" not in world.everything_stored()
    assert "the-row-key" not in world.everything_stored()


def test_a_new_password_replaces_a_hidden_one(make_world: Callable[..., World]) -> None:
    world = make_world(sandbox_settings={"password_values": "masked"})
    _connected(world, "stripe", "keybased")
    world.publish(ConfigChanged("acme", "stripe", fields={"signing_secret": "old", "currency": "eur"}))
    world.work_until_quiet()
    world.publish(ConfigChanged("acme", "stripe", fields={"signing_secret": "new"}))
    world.work_until_quiet()

    (truth,) = world.sandbox.state(secrets=True)["configs"]
    assert truth["fields"] == {"signing_secret": "new", "currency": "eur"}
