"""Count the calls of a run on their way to the governor."""

from cobalt_mirror.cobalt import Governor


class CallCounter:
    """A governor that counts the calls it allows.

    Args:
        governor: The governor that decides; None allows every call.
    """

    def __init__(self, governor: Governor | None = None) -> None:
        self._governor = governor
        self.calls = 0

    def acquire(self) -> None:
        """Wait for a slot, then count the call.

        Raises:
            RateLimited: No slot is free soon; nothing is counted. Wait, then try again.
        """
        if self._governor is not None:
            self._governor.acquire()
        self.calls += 1

    def throttled(self, retry_after_seconds: float | None) -> None:
        """Report to the governor that Cobalt answered 429."""
        if self._governor is not None:
            self._governor.throttled(retry_after_seconds)
