"""Requests that wait for a while, and hold neither a thread nor a connection to the database between two looks."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from cobalt_mirror.events.polling import poll_delays

T = TypeVar("T")


@dataclass(slots=True)
class Places:
    """How many requests of a slow kind may run at a time in this process."""

    most: int
    taken: int = 0

    @contextmanager
    def take(self) -> Iterator[bool]:
        """Take a place until the end of the block, and yield whether there was one."""
        has_place = self.taken < self.most
        self.taken += has_place
        try:
            yield has_place
        finally:
            self.taken -= has_place


@dataclass(frozen=True, slots=True)
class Waiting:
    """Looks repeatedly on behalf of requests that wait.

    Attributes:
        stopping: once it is set, no request waits any more.
    """

    monotonic: Callable[[], float] = time.monotonic
    stopping: threading.Event = field(default_factory=threading.Event)

    async def until(
        self, is_over: Callable[[T], bool], look: Callable[[], T], *, first: T, request: Request, seconds: float
    ) -> T:
        """Return what a look shows once it is over, or what the last look in this time shows."""
        state = first
        for delay in poll_delays(seconds, monotonic=self.monotonic):
            if is_over(state) or self.stopping.is_set() or await request.is_disconnected():
                break
            await asyncio.sleep(delay)
            state = await run_in_threadpool(look)
        return state
