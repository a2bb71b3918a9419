"""A mirror that agrees with a Cobalt where a few customers are connected and configured."""

import pytest

from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, UserSignedUp
from tests.world import World


@pytest.fixture
def settled(world: World) -> World:
    """Three customers `a0` to `a2`, each connected to slack with a config; nothing is left to do."""
    for number in range(3):
        name = f"a{number}"
        world.publish(UserSignedUp(name, name=f"Customer {number}", udf={"plan": "pro"}))
        world.work_until_quiet()
        world.sandbox.connect(name, "slack")
        world.publish(ConnectionAuthorized(name, "slack"))
        world.publish(ConfigChanged(name, "slack", fields={"mention": "@here"}))
        world.work_until_quiet()
    world.catalogue.refresh()
    world.clock.pass_time(120)
    world.calls()
    return world
