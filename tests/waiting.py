"""Waiting for what another process does: looking often until a deadline, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], object], *, timeout_seconds: float = 20) -> None:
    """Returns as soon as the condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {timeout_seconds} s: {condition}")
        time.sleep(POLL_SECONDS)


def is_running(pid: int) -> bool:
    """Whether a process is there and is not a zombie that its parent has yet to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
