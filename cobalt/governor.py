"""The seam through which every request asks for a slot under Cobalt's rate limit."""

from typing import Protocol


class Governor(Protocol):
    """Decides when a request may go; one object may serve many threads."""

    def acquire(self) -> None:
        """Wait for a slot; called before every request, and may block for about two seconds.

        Raises:
            RateLimited: No slot is free soon. No request was sent: put the work off.
        """

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Learn of a 429; called once for each, with the pause that Cobalt asked for, None when it named none."""
