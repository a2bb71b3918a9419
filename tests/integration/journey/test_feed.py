"""What the change feed says of the eight steps of the flow, and of what goes wrong on the way."""

from typing import Any

import pytest

from cobalt_mirror.cobalt.sandbox import Fault
from cobalt_mirror.db import FeedEntry
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.events import (
    ConfigChanged,
    ConfigRemoved,
    ConnectionAuthorized,
    ConnectionRemoved,
    Event,
    UserDeleted,
    UserSignedUp,
)
from cobalt_mirror.workers.ops.feed import read_changes
from tests.world import World


class Feed:
    """Reads what is new in the feed of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.after = 0

    def news(self, *events: Event) -> list[FeedEntry]:
        """Publish events, have all work done, and return the entries since the last time."""
        self.world.publish(*events)
        self.world.work_until_quiet()
        entries = read_changes(Numbering(self.world.engine), after=self.after, limit=1_000)
        self.after = entries[-1].position if entries else self.after
        return entries

    def reread(self) -> list[FeedEntry]:
        """Have slack read, as after a notification."""
        with self.world.engine.begin() as connection:
            record_check(connection, "acme", "slack", due_at=self.world.clock(), reason="notification")
        return self.news()


def told(entries: list[FeedEntry]) -> list[tuple[str, str | None, dict[str, Any]]]:
    return [(entry.type.value, entry.slug, dict(entry.data)) for entry in entries]


def change(before: Any, after: Any) -> dict[str, Any]:
    return {"from": before, "to": after}


def link(before: Any, after: Any) -> dict[str, Any]:
    return {**change(before, after), "auth_type": "oauth2"}


def test_the_eight_steps_are_these_entries_and_no_others(world: World) -> None:
    feed = Feed(world)

    created = feed.news(UserSignedUp("acme", name="Acme", udf={"plan": "pro"}))
    assert told(created) == [("account.created", None, change(None, "active"))]
    assert told(feed.news(UserSignedUp("acme", name="Acme Inc", udf={"plan": "free"}))) == [
        ("account.renamed", None, change("Acme", "Acme Inc"))
    ]
    world.sandbox.connect("acme", "slack")
    connected, config = feed.news(ConnectionAuthorized("acme", "slack"))
    assert told([connected]) == [("connection.connected", "slack", link(None, "connected"))]
    assert (config.type, config.config_id, config.data["status"]) == (
        "config.changed",
        "acme",
        change(None, "installed"),
    )
    errors = [{"id": "channel", "name": "Channel", "error": {"message": "Channel is required."}}]
    assert told(feed.news(ConfigChanged("acme", "slack", fields={"mention": "@a"}))) == [
        ("config.changed", "slack", {"fields": {"mention": change(None, "@a")}}),
        ("config.needs_attention", "slack", {"field_errors": errors}),
    ]
    assert told(feed.news(ConfigRemoved("acme", "slack"))) == [
        ("config.changed", "slack", {"status": change("installed", "deleted")})
    ]
    assert told(feed.news(ConnectionRemoved("acme", "slack"))) == [
        ("connection.removed", "slack", link("connected", "disconnected"))
    ]
    world.sandbox.connect("acme", "slack")
    assert told(feed.news(ConnectionAuthorized("acme", "slack")))[0] == (
        "connection.reconnected",
        "slack",
        link("disconnected", "connected"),
    )
    world.clock.pass_time(60)
    assert told(feed.news(UserDeleted("acme"))) == [
        ("account.deleted", None, change("active", "deleted")),
        ("connection.removed", "slack", link("connected", "disconnected")),
        ("config.changed", "slack", {"status": change("installed", "deleted")}),
    ]
    assert feed.news() == []


def test_a_connection_that_expires_and_is_authenticated_again(world: World) -> None:
    feed = Feed(world)
    feed.news(UserSignedUp("acme"))
    world.sandbox.connect("acme", "slack")
    feed.news(ConnectionAuthorized("acme", "slack"))

    world.sandbox.expire_connection("acme", "slack")
    assert told(feed.reread()) == [("connection.reauth_required", "slack", link("connected", "reauth_required"))]
    assert feed.reread() == []
    world.sandbox.connect("acme", "slack")
    assert told(feed.reread()) == [("connection.recovered", "slack", link("reauth_required", "connected"))]
    world.sandbox.renew_token("acme", "slack")
    assert feed.reread() == []


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_password_is_in_no_entry(world: World) -> None:
    feed = Feed(world)
    feed.news(UserSignedUp("acme"))

    (entry, *_) = feed.news(ConfigChanged("acme", "stripe", fields={"signing_secret": "s3cr3t", "currency": "eur"}))
    assert entry.data["fields"] == {"currency": change(None, "eur")}
    assert "s3cr3t" not in world.everything_readable()


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_dead_event_is_told_with_who_must_act_and_an_account_that_is_gone_keeps_no_reason(world: World) -> None:
    feed = Feed(world)
    feed.news(UserSignedUp("acme"))
    event = ConfigChanged("acme", "slack", fields={"mention": "@a"})
    world.sandbox.add_faults(Fault.model_validate({"status": 422, "error": "UNPROCESSABLE", "method": "PUT"}))

    (entry,) = feed.news(event)[-1:]
    reason = world.event(event)["last_error"]
    names = {"source": event.source, "id": event.id, "type": "config_changed", "move": "customer"}
    assert told([entry]) == [("event.dead", "slack", {**names, "reason": reason})]
    world.sandbox.clear_faults()
    feed.news(UserDeleted("acme"))
    assert world.row("changes", type="event.dead")["data"] == names


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
def test_a_halt_is_told_once_and_so_is_its_end(world: World) -> None:
    feed = Feed(world)
    world.sandbox.add_faults(Fault())
    world.publish(*(UserSignedUp(f"customer-{number}") for number in range(10)))
    world.work()
    world.clock.pass_time(600)
    world.work()
    world.sandbox.clear_faults()

    halted, *between, resumed = [entry for entry in feed.news() if entry.type.startswith("work.")]
    assert (halted.type, halted.data["move"], halted.linked_account_id) == ("work.halted", "provider", None)
    assert "Cobalt is down" in halted.data["reason"]
    assert between == []
    assert (resumed.type, resumed.data["move"]) == ("work.resumed", "provider")
    assert resumed.recorded_at > halted.recorded_at
