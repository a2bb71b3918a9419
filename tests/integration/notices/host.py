"""A customer with a connection that fails and works again, and those who are told of it. Time is the test's."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from cobalt_mirror.db.checks import record_check
from cobalt_mirror.db.feed import number_changes
from cobalt_mirror.events import ConnectionAuthorized, Event, UserSignedUp
from cobalt_mirror.workers.endpoints import DEFAULT, make_endpoint
from cobalt_mirror.workers.notices.following import Follower
from cobalt_mirror.workers.notices.handlers import Handler
from cobalt_mirror.workers.notices.notice import Notice
from cobalt_mirror.workers.notices.receivers import EndpointReceiver, HandlerReceiver, Receiver
from cobalt_mirror.workers.notices.sending import Sender, create_pool
from cobalt_mirror.workers.reconnect import reconnect_link
from tests.integration.notices.receiver import SECRET
from tests.world import World

SETTLE = timedelta(minutes=10)


@dataclass
class Host:
    """A host with one customer, and one receiver of notices."""

    world: World
    follower: Follower = field(init=False)
    told_at: datetime = field(init=False)

    def sends_to(
        self, url: str, *, types: str = "", secret: str = SECRET, allows_private: bool = True, name: str = DEFAULT
    ) -> None:
        """Have notices sent to a URL."""
        pool = create_pool(ssl.create_default_context(), allows_private=allows_private)
        sender = Sender(endpoint=make_endpoint(name, url, secret, types), pool=pool)
        self.follow(EndpointReceiver(sender))

    def calls(self, function: Callable[[Notice, Connection], object], *types: Any, name: str = "app.told") -> None:
        """Have a function called for notices."""
        handler = Handler(name=name, types=frozenset(types), function=function)
        self.follow(HandlerReceiver(handler, self.world.engine))

    def follow(self, receiver: Receiver) -> None:
        self.follower = self.another(receiver)
        self.tell()

    def another(self, receiver: Receiver) -> Follower:
        """Make a follower, as another process has it."""
        return Follower(
            engine=self.world.engine,
            receiver=receiver,
            settle=SETTLE,
            reconnect_url=partial(reconnect_link, self.world.settings),
            clock=self.world.clock,
            chance=lambda: 0.5,
        )

    def tell(self) -> None:
        """Do everything that is due for the receiver, in one moment of the clock."""
        number_changes(self.world.engine)
        clock = self.world.clock
        self.told_at = clock()
        clock.stop_at(self.told_at)
        try:
            for _ in range(1_000):
                if not self.follower.step():
                    return
        finally:
            clock.resume()
        raise AssertionError(f"it never ends: {self.world.rows('notices')}")

    def after(self, **time: float) -> None:
        """Let time pass, then tell."""
        self.world.clock.pass_time(timedelta(**time).total_seconds())
        self.tell()

    # --- the customer -------------------------------------------------------------------------------------------------

    def signs_up(self, name: str = "Acme", **udf: str) -> None:
        self.publish(UserSignedUp("acme", name=name, udf=udf))

    def connects(self) -> None:
        self.world.sandbox.connect("acme", "slack")
        self.publish(ConnectionAuthorized("acme", "slack"))

    def publish(self, event: Event) -> None:
        self.world.publish(event)
        self.world.work_until_quiet()
        self.tell()

    def fails(self) -> None:
        """The connection expires, and the mirror learns of it."""
        self.world.sandbox.expire_connection("acme", "slack")
        self._is_read()

    def recovers(self) -> None:
        """The customer authenticates again, and the mirror learns of it."""
        self.world.sandbox.connect("acme", "slack")
        self._is_read()

    def _is_read(self) -> None:
        self.is_read_again()
        self.tell()

    def is_read_again(self) -> None:
        """Have the mirror read the connection."""
        with self.world.engine.begin() as connection:
            record_check(connection, "acme", "slack", due_at=self.world.clock(), reason="notification")
        self.world.work()

    def next_due(self) -> timedelta:
        """Return how long after the last telling the next notice is due."""
        due = min(row["due_at"] for row in self.world.rows("notices", status="pending"))
        assert isinstance(due, datetime)
        return due - self.told_at
