"""How long a server takes to answer: the quickest of a few answers, as anything may delay one."""

import time
from collections.abc import Callable

_TIMES = 3


def quickest_ms(ask: Callable[[], object]) -> float:
    """Return how many milliseconds the quickest answer took."""
    return min(_ask_once(ask) for _ in range(_TIMES)) * 1_000


def _ask_once(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
