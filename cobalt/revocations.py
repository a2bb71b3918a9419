"""The interface of a record of revoked session tokens, which the clients of all processes share."""

from typing import Protocol


class Revocations(Protocol):
    """Knows which tokens any process has revoked. Safe to share between threads."""

    def record(self, token: str) -> None:
        """Record that a token is being revoked. It never fails: the caller revokes the token at Cobalt in any case."""

    def may_include(self, token: str) -> bool:
        """Return whether the token was revoked; also true if that cannot be known now."""
