"""The session tokens that any process has revoked, in Redis, so that no other hands one out of its cache.

Its keys in Redis, under the namespace (default `cobalt-mirror`):
    <namespace>:revoked:<digest>  set for a day when a token is revoked. The digest is the token's SHA-256: a token is a
        secret, and Redis holds none
"""

import time
from collections.abc import Callable
from hashlib import sha256

import redis
import structlog

from cobalt_mirror.workers.settings import Settings

log = structlog.get_logger()

#: Longer than any cache holds a token, unless a host asks for a `reuse_for` of more than a day.
REMEMBERED_SECONDS = 86_400
#: After so long Redis is tried again.
REDIS_RETRY_SECONDS = 1.0


class RedisRevocations:
    """Record revoked tokens in Redis. Without Redis every token counts as revoked, so that Cobalt is asked for one."""

    def __init__(
        self, client: redis.Redis, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Store what is needed.

        Args:
            client: A client that gives up soon (see `create_governor_redis`): a page waits for it.
            settings: The namespace.
            monotonic: Returns seconds.
        """
        self._client = client
        self._prefix = f"{settings.redis_namespace}:revoked:"
        self._monotonic = monotonic
        self._retry_at = float("-inf")

    def record(self, token: str) -> None:
        """Let no process hand out this token from its cache."""
        try:
            self._client.set(self._key(token), 1, ex=REMEMBERED_SECONDS)
        except redis.RedisError as error:
            log.warning("revocation_not_shared", error=type(error).__name__)

    def may_include(self, token: str) -> bool:
        """Return whether a process has revoked the token; true if Redis does not answer, or failed a moment ago."""
        if self._monotonic() < self._retry_at:
            return True
        try:
            return bool(self._client.exists(self._key(token)))
        except redis.RedisError:
            self._retry_at = self._monotonic() + REDIS_RETRY_SECONDS
            return True

    def _key(self, token: str) -> str:
        return self._prefix + sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
