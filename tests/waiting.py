"""Waiting for another process: poll a condition until a deadline, instead of sleeping."""

import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object], *, timeout_seconds: float = 20) -> None:
    """Return as soon as the condition holds; fail the test if it does not hold in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"the condition does not hold after {timeout_seconds} s: {condition}")
        time.sleep(POLL_SECONDS)


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
