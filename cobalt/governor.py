"""The interface of a rate governor, which every request asks for a slot under Cobalt's limit."""

from typing import Protocol


class Governor(Protocol):
    """Decides when a request may be sent. Safe to share between threads."""

    def acquire(self) -> None:
        """Wait for a slot. Called before every request; it may block for about two seconds.

        Raises:
            RateLimited: No slot is free soon. No request was sent. Try again later.
        """

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Handle a 429. Called once for each, with the pause that Cobalt asked for, or None."""
