"""Troubles with Redis. Each is made for real, and its context ends with the server as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.integration.trouble.cobalt_troubles import CHANGE
from tests.integration.trouble.installation import Installation

#: A key of somebody else's.
_BIG = "x" * 10_000


@contextmanager
def down(installation: Installation) -> Iterator[None]:
    installation.redis.kill()
    try:
        installation.beat()
        installation.publish_long_ago(CHANGE)
        yield
    finally:
        installation.redis.restart()


@contextmanager
def flushed(installation: Installation) -> Iterator[None]:
    installation.world.publish(CHANGE)
    with _client(installation) as client:
        client.flushall()
    installation.beat()
    yield


@contextmanager
def wrong_password(installation: Installation) -> Iterator[None]:
    """The password was changed there, and not here."""
    with _client(installation) as client:
        client.config_set("requirepass", "of-today")
        try:
            installation.restart(REDIS_URL=installation.redis.url.replace("//", "//:of-yesterday@"))
            installation.beat()
            installation.publish_long_ago(CHANGE)
            yield
        finally:
            client.config_set("requirepass", "")  # this connection was there before


@contextmanager
def evicting(installation: Installation) -> Iterator[None]:
    """Somebody else fills it, and it drops keys to make room."""
    with _client(installation) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "3mb")
        for number in range(400):
            client.set(f"other:{number}", _BIG)
        assert client.info("stats")["evicted_keys"] > 0
        try:
            installation.world.publish(CHANGE)
            installation.beat()
            yield
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")


@contextmanager
def read_only(installation: Installation) -> Iterator[None]:
    """After a failover the address leads to a replica."""
    with _client(installation) as client:
        client.replicaof("127.0.0.1", "1")
        try:
            installation.beat()
            installation.publish_long_ago(CHANGE)
            yield
        finally:
            client.replicaof("no", "one")


def _client(installation: Installation) -> redis.Redis:
    return redis.Redis.from_url(installation.redis.url)
