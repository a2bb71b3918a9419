"""Those who watch a process, behind one name: without any, nothing is computed for them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.workers.telemetry.report import Ending, Task


class Observer(Protocol):
    """Watches a process. It must not fail, and it must not wait for anything: workers call it in the middle of work."""

    def called(self, exchanged: Exchanged) -> None:
        """Take note of a request to Cobalt."""

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Take note of how an attempt ended, for each event and check."""

    def sent(self, queue: str) -> None:
        """Take note of a message to a queue."""


class Tracer(Observer, Protocol):
    """An observer that makes spans."""

    def attempting(self, task: Task) -> AbstractContextManager[str]:
        """Make a span of an attempt, for as long as the block lasts; its value is the id of the trace."""

    def close(self) -> None:
        """Send what is not sent yet."""


@dataclass(frozen=True, slots=True)
class Observers:
    """All who watch."""

    each: tuple[Observer, ...] = ()
    #: One of them, if there are traces.
    tracer: Tracer | None = None

    @contextmanager
    def attempting(self, task: Callable[[], Task]) -> Iterator[str | None]:
        """Tell the one who traces of an attempt, for as long as the block lasts; the value is the id of the trace."""
        if self.tracer is None:
            yield None
        else:
            with self.tracer.attempting(task()) as trace_id:
                yield trace_id

    def close(self) -> None:
        """Send what is not sent yet."""
        if self.tracer is not None:
            self.tracer.close()

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.each)

    def called(self, exchanged: Exchanged) -> None:
        """Tell them of a request."""
        for observer in self.each:
            observer.called(exchanged)

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Tell them how an attempt ended."""
        for observer in self.each:
            observer.attempted(endings)

    def sent(self, queue: str) -> None:
        """Tell them of a message."""
        for observer in self.each:
            observer.sent(queue)
