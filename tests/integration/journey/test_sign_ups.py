"""Sign-ups that leave something out, bring credentials or come twice, and the catalogue that follows the first one."""

from collections.abc import Callable
from typing import Any

import pytest

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, UserSignedUp
from cobalt_mirror.workers.handlers.attempt import Progress
from tests.world import World


@pytest.mark.parametrize("left_out", ["kept", "cleared"])
def test_a_sign_up_keeps_what_it_leaves_out(make_world: Callable[..., World], left_out: str) -> None:
    world = make_world(sandbox_settings={"upsert_left_out": left_out})
    world.publish(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    world.work_until_quiet()
    world.sandbox.rename_account("acme", "Renamed in the dashboard")
    world.publish(UserSignedUp("acme", udf={"plan": "free"}))
    world.work_until_quiet()

    assert world.mirror()["accounts"] == {"acme": ("Renamed in the dashboard", {"plan": "free"})}
    assert world.mirror() == world.truth()


@pytest.mark.parametrize("left_out", ["kept", "cleared"])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, ("Acme", {"plan": "pro"})),
        ({"name": "New"}, ("New", {"plan": "pro"})),
        ({"udf": {"plan": "free"}}, ("Acme", {"plan": "free"})),
        ({"auth_credentials": {"token": "t"}}, ("Acme", {"plan": "pro"})),
    ],
    ids=lambda told: "+".join(told) if isinstance(told, dict) else None,
)
def test_a_sign_up_of_an_account_that_only_cobalt_knows_keeps_what_it_leaves_out(
    make_world: Callable[..., World], left_out: str, said: dict[str, Any], shown: tuple[str, dict[str, str]]
) -> None:
    world = make_world(sandbox_settings={"upsert_left_out": left_out})
    world.client.upsert_account("acme", name="Acme", udf={"plan": "pro"})
    world.calls()
    world.publish(UserSignedUp("acme", **said))
    world.work_until_quiet()

    assert world.calls() == ["read_account", "upsert_account"][: 2 if said else 1]
    assert world.mirror()["accounts"] == {"acme": shown}
    assert world.mirror() == world.truth()


def test_a_sign_up_that_leaves_something_out_costs_one_read(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme"))
    world.work_until_quiet()

    assert world.calls() == ["read_account", "upsert_account"]
    assert world.mirror()["accounts"] == {"acme": ("Acme", {})}


def test_credentials_reach_cobalt_and_are_wiped_here(world: World) -> None:
    event = UserSignedUp("acme", name="Acme", udf={}, auth_credentials={"token": "hunter2-hunter2"})
    world.publish(event)
    assert "hunter2" not in world.everything_stored()
    world.work_until_quiet()

    (account,) = world.sandbox.state(secrets=True)["accounts"]
    assert account["auth_credentials"] == {"token": "hunter2-hunter2"}
    assert "sealed" not in world.event(event)["payload"]
    assert "hunter2" not in world.everything_stored()


def credentials_at_cobalt(world: World) -> Any:
    (account,) = world.sandbox.state(secrets=True)["accounts"]
    return account["auth_credentials"]


def test_credentials_of_a_later_sign_up_replace_all_that_cobalt_had(world: World) -> None:
    world.publish(UserSignedUp("acme", name="Acme", auth_credentials={"a": "hunter2-a"}))
    world.work_until_quiet()
    world.publish(UserSignedUp("acme", auth_credentials={"b": "hunter2-b"}))
    world.work_until_quiet()

    assert credentials_at_cobalt(world) == {"b": "hunter2-b"}


def test_of_two_sign_ups_in_one_attempt_the_later_one_s_credentials_reach_cobalt_alone(world: World) -> None:
    world.publish(
        UserSignedUp("acme", name="Acme", auth_credentials={"a": "hunter2-a"}),
        UserSignedUp("acme", auth_credentials={"b": "hunter2-b"}),
        UserSignedUp("acme", udf={"plan": "pro"}),
    )
    world.work_until_quiet()

    assert world.calls().count("upsert_account") == 1
    assert credentials_at_cobalt(world) == {"b": "hunter2-b"}


@pytest.mark.parametrize("said", [{}, {"auth_credentials": None}, {"auth_credentials": {}}])
def test_a_sign_up_without_credentials_keeps_what_cobalt_has(world: World, said: dict[str, Any]) -> None:
    world.publish(UserSignedUp("acme", name="Acme", auth_credentials={"a": "hunter2-a"}))
    world.work_until_quiet()
    world.publish(UserSignedUp("acme", name="New", **said))
    world.work_until_quiet()

    assert world.mirror()["accounts"]["acme"][0] == "New"
    assert credentials_at_cobalt(world) == {"a": "hunter2-a"}


def test_a_duplicate_delivery_costs_nothing(world: World) -> None:
    events = [
        UserSignedUp("acme", name="Acme", udf={}),
        ConfigChanged("acme", "slack", fields={"mention": "@a"}),
        ConnectionRemoved("acme", "slack"),
        ConnectionAuthorized("acme", "slack"),
    ]
    world.publish(*events)
    world.work_until_quiet()
    world.calls()

    assert [receipt.is_new for receipt in world.publish(*events)] == [False] * 4
    assert world.attempts.attempt("acme") is Progress.NOTHING
    world.work_until_quiet()
    assert world.calls() == []


def test_the_catalogue_is_mirrored_through_the_first_active_account(world: World) -> None:
    world.catalogue.refresh()
    assert world.calls() == []
    world.publish(UserSignedUp("acme", name="Acme", udf={}))
    world.work_until_quiet()
    world.calls()
    world.catalogue.refresh()

    assert world.calls() == ["list_applications"]
    rows = {row["slug"]: row for row in world.rows("applications")}
    assert len(rows) >= 12
    hubspot = {each["auth_type"]: each["inputs"] for each in rows["hubspot"]["auth_types"]}
    assert hubspot["oauth2"] == []
    assert hubspot["keybased"][0]["name"] == "access_token"

    world.sandbox.disable_application("slack")
    world.catalogue.refresh()
    world.clock.pass_time(15)
    world.catalogue.refresh()
    assert world.row("applications", slug="slack")["enabled"] is False
    assert "slack" not in {row["slug"] for row in world.view("integrations")}


@pytest.mark.parametrize(
    "account", ["a/b", "two words", "someone@example.com", "naïve", "日本🎉", "x" * 200, "100%", "a?b#c"]
)
def test_any_identifier_travels_through_the_whole_flow(world: World, account: str) -> None:
    events = [UserSignedUp(account, name="Odd", udf={}), ConfigChanged(account, "slack", fields={"mention": "@a"})]
    world.publish(*events)
    world.work_until_quiet()
    world.sandbox.connect(account, "slack")
    more = [ConnectionAuthorized(account, "slack"), ConfigChanged(account, "slack", fields={"mention": "@b"})]
    world.publish(*more)
    world.work_until_quiet()
    assert world.mirror() == world.truth()
    assert world.row("connections")["status"] == "connected"
    removal = ConnectionRemoved(account, "slack")
    world.publish(removal)
    world.work_until_quiet()

    assert world.statuses([*events, *more, removal]) == ["done"] * 5
    assert world.mirror() == world.truth()
