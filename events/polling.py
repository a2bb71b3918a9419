"""How often to look for what is expected soon: at first after about 25 ms, later every quarter of a second."""

import random
import time
from collections.abc import Callable, Iterator
from itertools import count

#: The shortest and the longest delay between two looks.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.025, 0.25


def poll_delay(looks: int, *, left: float, chance: float) -> float:
    """Return how many seconds to wait before the next look.

    Args:
        looks: how many there were, at least 1. The delay doubles with each of the first.
        left: seconds until the last look; the delay never goes beyond that.
        chance: from 0 to 1; chooses between a delay and its half, so that many waits do not look all at once.
    """
    longest = min(2 * SHORTEST_SECONDS * 2.0 ** (min(looks, 20) - 1), LONGEST_SECONDS)
    return min(longest / 2 + chance * longest / 2, left)


def poll_delays(
    seconds: float,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    chance: Callable[[], float] = random.random,
) -> Iterator[float]:
    """Yield the delay before each look after the first one, until the time is over; the last look is at its end."""
    ends = monotonic() + seconds
    for looks in count(1):
        left = ends - monotonic()
        if left <= 0:
            return
        yield poll_delay(looks, left=left, chance=chance())
