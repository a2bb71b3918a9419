"""The eight steps of the flow, each with the calls that it may cost."""

from datetime import UTC, datetime

from events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
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
