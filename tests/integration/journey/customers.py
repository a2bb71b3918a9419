"""One customer who connects, removes and connects again, with the news of it that the host and Cobalt give or lose."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cobalt_mirror.cobalt.webhooks import EVENT_NAMES
from cobalt_mirror.db import tables
from cobalt_mirror.db.checks import record_check
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, UserSignedUp
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.web.notification import keep_part, read_notification
from cobalt_mirror.workers.web.redaction import Redactor
from tests.world import World

ACCOUNT = "acme"
E = TypeVar("E", bound=Event)
_REDACTOR = Redactor(limit=1000)


class Customer:
    """The customer, whose clock is the world's: it stands still unless a test lets time pass.

    Args:
        world: the world; it may have had other customers, of whom nothing is left then.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.world.clear()
        # A little before the real time, by which the database decides whether a removal happened just now.
        world.clock.stop_at(datetime.now(UTC) - timedelta(minutes=4))
        world.fill_catalogue()
        self.publish(UserSignedUp(ACCOUNT, name="Acme", udf={}, occurred_at=world.clock()))
        world.work_until_quiet()
        world.client.create_webhook("https://mirror.test/webhooks/cobalt", EVENT_NAMES)
        world.calls()

    # --- at Cobalt ----------------------------------------------------------------------------------------------------

    def connect(self, slug: str, **how: Any) -> str:
        """Connect, or connect again; return the connection's id, if it has one."""
        return self.world.sandbox.connect(ACCOUNT, slug, **how) or ""

    def disconnect(self, slug: str, **which: Any) -> None:
        """Disconnect at Cobalt itself, without the host."""
        self.world.sandbox.disconnect(ACCOUNT, slug, **which)

    def renew(self, slug: str, **which: Any) -> None:
        """Have Cobalt renew the provider's token."""
        self.world.sandbox.renew_token(ACCOUNT, slug, **which)

    def connected(self, slug: str) -> list[str]:
        """What is connected, by ids or else auth types."""
        rows = [row for row in self.world.sandbox.state()["connections"] if row["slug"] == slug]
        accounts = [account for row in rows for account in row["accounts"]]
        return sorted(account.get("connection_id") or account["auth_type"] for account in accounts)

    # --- what is told of it -------------------------------------------------------------------------------------------

    def authorised(self, slug: str, *, at: datetime | None = None, **named: Any) -> ConnectionAuthorized:
        """Have the host publish that the customer connected, now or then."""
        moment = self.world.clock() if at is None else at
        return self.publish(ConnectionAuthorized(ACCOUNT, slug, occurred_at=moment, **named))

    def changes(self, slug: str, **what: Any) -> ConfigChanged:
        """Have the host publish a change of a config."""
        return self.publish(ConfigChanged(ACCOUNT, slug, occurred_at=self.world.clock(), **what))

    def leaves(self, slug: str, **named: Any) -> ConnectionRemoved:
        """Have the host publish that the customer removed a connection, or all."""
        return self.publish(ConnectionRemoved(ACCOUNT, slug, occurred_at=self.world.clock(), **named))

    def publish(self, event: E) -> E:
        """Publish an event at the time that the world's clock shows."""
        world = self.world
        with world.engine.begin() as connection:
            publish_with(world.settings.vault(), [event], connection)
            is_its = tables.events.c.id == event.id
            times = {"recorded_at": world.clock(), "due_at": world.clock()}
            connection.execute(tables.events.update().where(is_its).values(**times))
        return event

    def notifications(self) -> list[dict[str, Any]]:
        """What Cobalt has to tell since the last time."""
        sent = self.world.sandbox.take_notifications(all_of_them=True)
        return [json.loads(each.body) for each in sent]

    def deliver(self, notifications: list[dict[str, Any]]) -> None:
        """Record notifications as the webhook's endpoint does."""
        for document in notifications:
            with self.world.engine.begin() as connection:
                kept = keep_part(document, _REDACTOR)
                read_notification(document).record(connection, kept, now=self.world.clock())

    # --- the mirror ---------------------------------------------------------------------------------------------------

    def settle(self, slug: str, *auth_types: str) -> None:
        """Connect, and have it mirrored, as it was for a while."""
        for auth_type in auth_types:
            self.connect(slug, auth_type=auth_type)
        self.authorised(slug)
        self.notifications()
        self.world.work_until_quiet()
        self.world.clock.pass_time(1)
        self.world.calls()

    def read_again(self, *slugs: str) -> None:
        """Have the mirror read connections again, as a reconciliation would, until it is quiet."""
        self.read_again_now(*slugs)
        self.world.work_until_quiet()

    def read_again_now(self, *slugs: str) -> None:
        """Have the mirror read connections again, and nothing of what that leads to."""
        for slug in slugs:
            with self.world.engine.begin() as connection:
                record_check(connection, ACCOUNT, slug, due_at=self.world.clock(), reason="a reconciliation")
        self.world.work()

    def detail(self, event: Event) -> tuple[str, str | None]:
        """How an event ended, and what is said of it."""
        row = self.world.event(event)
        return row["status"], row["detail"] or row["last_error"]
