"""Work on many rows, a batch at a time, beside everything else."""

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


def pausing(work: Callable[[], T], stop: Event) -> T:
    """Do a part of the work, and then leave the database alone for as long, or until a stop is asked for."""
    began = time.monotonic()
    value = work()
    stop.wait(time.monotonic() - began)
    return value
