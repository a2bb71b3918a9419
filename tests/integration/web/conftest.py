"""A world with the web application in front of it, and somebody who carries Cobalt's notifications there."""

from collections.abc import Callable

import pytest

from cobalt_mirror.workers.web import create_app
from tests.integration.web.endpoints import EVENTS_TOKEN, PREVIOUS_KEY, Endpoints
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose endpoints are open."""
    return make_world(options={"events_token": EVENTS_TOKEN, "cobalt_previous_api_key": PREVIOUS_KEY})


@pytest.fixture
def endpoints(world: World) -> Endpoints:
    """The web application over this test's world."""
    return Endpoints(world, create_app(world.settings, engine=world.engine, client=world.client, clock=world.clock))
