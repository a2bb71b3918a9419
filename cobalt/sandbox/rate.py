"""Cobalt's rate limit: one token bucket for the whole organisation."""

from datetime import datetime

from cobalt_mirror.cobalt.sandbox.settings import SandboxSettings


class TokenBucket:
    """A token bucket. It starts full; a refused call takes no token."""

    def __init__(self) -> None:
        self._tokens: float | None = None
        self._at: datetime | None = None

    def take(self, now: datetime, settings: SandboxSettings) -> float | None:
        """Take one token.

        Returns:
            None when there was one, else the seconds until there will be.
        """
        if self._tokens is None or self._at is None:
            self._tokens = float(settings.rate_burst)
        else:
            passed = max((now - self._at).total_seconds(), 0.0)
            self._tokens = min(float(settings.rate_burst), self._tokens + passed * settings.rate_per_second)
        self._at = now
        # Adding up many small refills falls short of a whole token by some 1e-12.
        if self._tokens < 1.0 - 1e-9:
            return (1.0 - self._tokens) / settings.rate_per_second
        self._tokens -= 1.0
        return None
