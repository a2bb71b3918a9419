"""Counts the calls of a run on their way to the governor."""

from cobalt_mirror.cobalt import Governor


class CallCounter:
    """A governor that counts what it lets go.

    Args:
        governor: who decides; None: every call may go.
    """

    def __init__(self, governor: Governor | None = None) -> None:
        self._governor = governor
        self.calls = 0

    def acquire(self) -> None:
        """Wait for a slot, then count.

        Raises:
            RateLimited: no slot is free soon; nothing is counted.
        """
        if self._governor is not None:
            self._governor.acquire()
        self.calls += 1

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Pass on that Cobalt answered 429."""
        if self._governor is not None:
            self._governor.throttled(retry_after_seconds)
