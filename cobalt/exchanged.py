"""What requests came to: a block collects those that its thread sends, without what they carried."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.errors import CobaltError, ResponseError
from cobalt_mirror.cobalt.templates import template_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """A request that was made, or that the governor did not let through.

    Attributes:
        method: Of the request.
        template: Its path, with a name in place of each id.
        began: When it asked the governor for a slot, by the process's monotonic clock, in seconds.
        waited_seconds: How long it waited for the governor.
        took_seconds: How long it took after that; 0 if it was not sent.
        is_sent: Whether the governor let it through.
        status: The answer's HTTP status; None if no complete answer came.
        error: The class of the error that it ended with; None: with an answer as expected.
        request_id: Id for Cobalt's support, where an answer has one.
    """

    method: str
    template: str
    began: float
    waited_seconds: float
    took_seconds: float
    is_sent: bool
    status: int | None
    error: type[CobaltError] | None
    request_id: str | None


_collected: ContextVar[list[Exchanged] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting(into: list[Exchanged]) -> Iterator[None]:
    """Append to a list what each request of this thread came to, as long as the block lasts."""
    token = _collected.set(into)
    try:
        yield
    finally:
        _collected.reset(token)


class Stopwatch:
    """Times one request, and tells what it came to: the list of the block that sends it, and who watches the client."""

    def __init__(self, call: Call, watch: Callable[[Exchanged], None] | None) -> None:
        """Start."""
        self._call, self._watch, self._began = call, watch, time.monotonic()
        self._sent: float | None = None
        self._status: int | None = None
        self._error: CobaltError | None = None

    def sent(self) -> None:
        """Note that the governor has let it through."""
        self._sent = time.monotonic()

    def answered(self, status: int) -> None:
        """Note the status of its complete answer."""
        self._status = status

    def failed(self, error: CobaltError) -> None:
        """Note the error that it ended with."""
        self._error = error

    def stop(self) -> None:
        """Tell what it came to, if anybody wants to know."""
        collected = _collected.get()
        if collected is None and self._watch is None:
            return
        now = time.monotonic()
        sent = now if self._sent is None else self._sent
        error = self._error
        exchanged = Exchanged(
            method=self._call.method,
            template=template_of(self._call.path),
            began=self._began,
            waited_seconds=sent - self._began,
            took_seconds=now - sent,
            is_sent=self._sent is not None,
            status=self._status,
            error=None if error is None else type(error),
            request_id=error.request_id if isinstance(error, ResponseError) else None,
        )
        if collected is not None:
            collected.append(exchanged)
        if self._watch is not None:
            self._watch(exchanged)
