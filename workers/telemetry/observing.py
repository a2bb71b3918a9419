"""Those who watch a process, behind one name: without any, nothing is computed for them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.workers.telemetry.report import Death, Ending, Task


class Observer:
    """Watches a process; this one looks away. It must not fail, nor wait: workers call it in the middle of work."""

    #: Whether it wants to know of deaths, which have to be looked up.
    watches_deaths = False

    def called(self, exchanged: Exchanged) -> None:
        """Take note of a request to Cobalt."""

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Take note of how an attempt ended, for each event and check."""

    def broke(self, error: Exception, endings: Sequence[Ending], slug: str) -> None:
        """Take note of an error of ours that ended an attempt; an empty slug is the account itself, or not known."""

    def died(self, deaths: Sequence[Death]) -> None:
        """Take note of the first events that are dead for a reason that the operator has to correct."""

    def sent(self, queue: str) -> None:
        """Take note of a message to a queue."""

    def close(self) -> None:
        """Send what is not sent yet."""


class Tracer(Protocol):
    """Makes a span of an attempt."""

    def attempting(self, task: Task) -> AbstractContextManager[str]:
        """Make a span for as long as the block lasts; its value is the id of the trace."""


@dataclass(frozen=True, slots=True)
class Observers:
    """All who watch.

    Attributes:
        each: they.
        tracer: who makes spans of attempts, if somebody does.
    """

    each: tuple[Observer, ...] = ()
    tracer: Tracer | None = None

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.each)

    @contextmanager
    def attempting(self, task: Callable[[], Task]) -> Iterator[str | None]:
        """Have a span made of an attempt, for as long as the block lasts; the value is the id of the trace."""
        if self.tracer is None:
            yield None
        else:
            with self.tracer.attempting(task()) as trace_id:
                yield trace_id

    def called(self, exchanged: Exchanged) -> None:
        """Tell them of a request."""
        for observer in self.each:
            observer.called(exchanged)

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Tell them how an attempt ended."""
        for observer in self.each:
            observer.attempted(endings)

    def broke(self, error: Exception, endings: Sequence[Ending], slug: str) -> None:
        """Tell them of an error of ours."""
        for observer in self.each:
            observer.broke(error, endings, slug)

    def died(self, find: Callable[[], Sequence[Death]]) -> None:
        """Look for first deaths and tell them, if any of them wants to know."""
        watching = [observer for observer in self.each if observer.watches_deaths]
        deaths = find() if watching else []
        for observer in watching if deaths else []:
            observer.died(deaths)

    def sent(self, queue: str) -> None:
        """Tell them of a message."""
        for observer in self.each:
            observer.sent(queue)

    def close(self) -> None:
        """Have them send what is not sent yet."""
        for observer in self.each:
            observer.close()
