"""The demo without its processes, so that what it ends with is known in seconds."""

from dataclasses import dataclass
from unittest import mock

import httpx

from cobalt_mirror.cobalt.sandbox import SandboxTransport
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.migrating.upgrade import upgrade
from cobalt_mirror.db.settings import DatabaseSettings
from cobalt_mirror.events import Event
from cobalt_mirror.workers.demo.compare import compare, read_mirror
from cobalt_mirror.workers.demo.host import Host
from cobalt_mirror.workers.demo.journey import Customer
from cobalt_mirror.workers.demo.report import summary_line
from tests.world import TEST_KEY, World

#: A customer who waits for this long waits for the workers; for less, between two clicks.
_WAITS_SECONDS = 0.2
#: No customer's next click comes sooner. Cobalt's times are in milliseconds, so they tell one click from the next.
_CLICK_SECONDS = 0.002


@dataclass(slots=True, kw_only=True)
class HostWithoutProcesses(Host):
    """The demo's host, with the workers in this process: they do what is due while a customer waits for them."""

    world: World

    def publish(self, *events: Event) -> None:
        Host.publish(self, *events)  # `super()` does not know a class with slots
        self.closing.wait(_CLICK_SECONDS)

    def wait(self, seconds: float) -> None:
        if seconds >= _WAITS_SECONDS:
            self.world.work()


def last_line(database_url: str, *, customers: int, seed: int) -> str:
    """Return the last line of a demo, without running it: the seed decides what customers do.

    Args:
        database_url: an empty SQLite.
        customers: how many there are; they act one after the other, for what is left does not depend on when they do.
        seed: the seed.
    """
    upgrade(DatabaseSettings(database_url=database_url))
    world = World(database_url)
    with (
        mock.patch.dict("os.environ", {"MIRROR_SECRET_KEYS": TEST_KEY}),
        httpx.Client(transport=SandboxTransport(world.sandbox)) as browser,
    ):
        host = HostWithoutProcesses(
            engine=world.engine, client=world.client, governor=None, browser=browser, world=world
        )
        everyone = [Customer.numbered(number, seed=seed, host=host) for number in range(1, customers + 1)]
        for customer in everyone:
            customer.live()
    world.work_until_quiet()
    with reading(world.engine).begin() as connection:
        mirror = read_mirror(connection, {customer.id for customer in everyone})
    state = world.sandbox.state(environment="test")
    world.close()
    return summary_line(state, compare(mirror, state))
