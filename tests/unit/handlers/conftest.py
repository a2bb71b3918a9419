"""A sandbox in this process, a clock that only tests move, and the right to call for one account."""

import math
from collections.abc import Callable, Iterator

import pytest

from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxTransport
from cobalt_mirror.db.leases import Lease
from cobalt_mirror.workers.handlers.access import Caller
from tests.unit.entries import ACCOUNT
from tests.unit.handlers.clock import Clock
from tests.unit.handlers.stage import Stage


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    """Cobalt, without any account."""
    return Sandbox(clock=clock, rate_limited=False)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client("tk_sandbox", base_url="http://sandbox", transport=SandboxTransport(sandbox)) as client:
        yield client


@pytest.fixture
def calling(client: Client) -> Callable[[str], Caller]:
    """The right to call about an application of the account, or about the account itself, without end."""

    def caller(slug: str) -> Caller:
        lease = Lease(linked_account_id=ACCOUNT, slug=slug, token="", ends=math.inf)
        return Caller(client, lease, longest_call_seconds=1)

    return caller


@pytest.fixture
def stage(sandbox: Sandbox, clock: Clock) -> Iterator[Stage]:
    """The account at Cobalt, and attempts at its connections."""
    with Stage(sandbox, clock) as stage:
        yield stage
