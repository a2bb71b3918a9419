"""A session token that one process revoked is not handed out by another, though that one has it in its cache."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis

from cobalt_mirror import governed_client
from cobalt_mirror.cobalt import Client
from cobalt_mirror.cobalt.sandbox import Sandbox, SandboxServer
from cobalt_mirror.workers.settings import Settings


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(rate_limited=False)


@pytest.fixture
def settings(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    with SandboxServer(sandbox) as server:
        yield {"cobalt_api_key": "tk_sandbox", "cobalt_base_url": server.url, "cobalt_rate_per_second": 0}


def of_two_processes(settings: Settings) -> tuple[Client, Client]:
    """Return two clients that share nothing in memory, as those of two processes."""
    return governed_client(settings), governed_client(settings)


def mints(sandbox: Sandbox) -> int:
    return len(sandbox.calls(route="session_token"))


def test_a_token_that_another_process_revoked_is_not_handed_out(
    settings: dict[str, Any], sandbox: Sandbox, redis_url: str
) -> None:
    one, other = of_two_processes(Settings(**settings, redis_url=redis_url))
    token = one.session_token("acme", ensure=True).token
    assert other.session_token("acme").token == token
    neighbour = other.session_token("globex", ensure=True)

    assert one.revoke_session_token(token) == 1
    before = mints(sandbox)

    assert other.session_token("acme").token not in {token, neighbour.token}
    assert other.session_token("globex") == neighbour
    assert mints(sandbox) == before + 1  # the neighbour's came from the cache
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert [client.ttl(key) > 0 for key in client.scan_iter("cobalt-mirror:revoked:*")] == [True]
        assert token not in str(list(client.scan_iter("*")))


@pytest.mark.parametrize(("reuse_for", "is_handed_out"), [(timedelta(minutes=5), True), (timedelta(0), False)])
def test_without_redis_a_process_knows_its_own_revocations_alone(
    settings: dict[str, Any], *, reuse_for: timedelta, is_handed_out: bool
) -> None:
    one, other = of_two_processes(Settings(**settings, redis_url=None))
    token = one.session_token("acme", ensure=True).token
    other.session_token("acme")
    one.revoke_session_token(token)

    assert one.session_token("acme").token != token
    assert (other.session_token("acme", reuse_for=reuse_for).token == token) is is_handed_out


def test_while_redis_does_not_answer_cobalt_is_asked_each_time(settings: dict[str, Any]) -> None:
    away = "redis://127.0.0.1:1/0"  # a port on which nothing listens
    one, other = of_two_processes(Settings(**settings, redis_url=away))
    token = one.session_token("acme", ensure=True).token

    assert [other.session_token("acme").token == token for _ in range(2)] == [True, True]
    assert one.revoke_session_token(token) == 1
    assert other.session_token("acme").token != token
