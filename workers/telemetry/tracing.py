"""Traces: an attempt is a span with a link to the span of each event, and each call to Cobalt is a span in it.

Importing this loads OpenTelemetry. No span has a payload, a key, a query or a path with ids.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, get_current_span

from cobalt_mirror.cobalt.exchanged import Exchanged
from cobalt_mirror.workers.release import release
from cobalt_mirror.workers.telemetry.observing import Observer
from cobalt_mirror.workers.telemetry.report import Ending, Task

#: The longest that the end of the process waits for what is not sent yet, in seconds.
_CLOSE_SECONDS = 2.0


class Tracing(Observer):
    """Makes spans. Safe to share between threads.

    Args:
        processor: Which gets them.
        service_name: Whose they are.
    """

    def __init__(self, processor: SpanProcessor, *, service_name: str) -> None:
        resource = Resource.create({"service.name": service_name, "service.version": release()})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("cobalt_mirror")

    @contextmanager
    def attempting(self, task: Task) -> Iterator[str]:
        """Make a span of an attempt, and yield the id of its trace."""
        attributes: dict[str, Any] = {
            "messaging.system": "cobalt_mirror",
            "messaging.operation.type": "process",
            "messaging.batch.message_count": task.number,
            "cobalt_mirror.account": task.account_id,
            "cobalt_mirror.slug": task.slug,
            "cobalt_mirror.attempt": task.attempt,
        }
        links = [Link(_context_of(each), {"cobalt_mirror.event": id_}) for id_, each in task.traceparents]
        options: dict[str, Any] = {"kind": SpanKind.CONSUMER, "attributes": attributes, "links": links}
        with self._tracer.start_as_current_span(
            "attempt", **options, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield f"{span.get_span_context().trace_id:032x}"
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))  # its text may say what no span may
                raise

    def called(self, exchanged: Exchanged) -> None:
        """Make a span of a request, from when the governor let it through; one that was held back has no length."""
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{exchanged.method} {exchanged.template}",
            kind=SpanKind.CLIENT,
            start_time=ended - int(exchanged.took_seconds * 1e9),
            attributes={
                "http.request.method": exchanged.method,
                "url.template": exchanged.template,
                "cobalt_mirror.governor_wait_seconds": exchanged.waited_seconds,
            },
        )
        if exchanged.status is not None:
            span.set_attribute("http.response.status_code", exchanged.status)
        if exchanged.error is not None:
            span.set_attribute("error.type", exchanged.error.__name__)
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def attempted(self, endings: Sequence[Ending]) -> None:
        """Say in the span of the attempt how it ended."""
        span = get_current_span()
        span.set_attribute("cobalt_mirror.outcomes", sorted({ending.outcome for ending in endings}))
        span.set_attribute("cobalt_mirror.types", sorted({ending.type for ending in endings}))

    def close(self) -> None:
        """Send what is not sent yet, within a moment: the SDK would wait ten seconds for a server that is away."""
        sender = threading.Thread(target=self._provider.shutdown, name="last traces", daemon=True)
        sender.start()
        sender.join(_CLOSE_SECONDS)


def _context_of(traceparent: str) -> SpanContext:
    """Return the span that a valid traceparent names."""
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
