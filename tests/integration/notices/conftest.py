"""A host whose customer has a connection, and its server."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.notices.host import Host
from tests.integration.notices.receiver import Server
from tests.world import World


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world whose customers can be sent links."""
    return make_world(options={"public_url": "https://mirror.test"})


@pytest.fixture
def server() -> Iterator[Server]:
    """A host's server, which takes everything unless a test says otherwise."""
    with Server() as server:
        yield server


@pytest.fixture
def host(world: World, server: Server) -> Host:
    """A host that is sent notices, and whose customer has connected slack."""
    host = Host(world)
    host.sends_to(f"{server.url}/notices")
    host.signs_up(plan="pro", email="ann@acme.test")
    host.connects()
    return host
