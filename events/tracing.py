"""The span of the host in which an event is published, if the host traces."""

import sys
from typing import Annotated, Any

from pydantic import AfterValidator

from cobalt_mirror.db.host_columns import is_traceparent


def _names_a_span(value: str) -> str:
    if not is_traceparent(value):
        raise ValueError("must be of the form of W3C Trace Context: 00-<32 hex digits>-<16 hex digits>-01")
    return value


#: A span in the form of W3C Trace Context.
Traceparent = Annotated[str, AfterValidator(_names_a_span)]


def current_traceparent() -> str | None:
    """Return the current span in the form of W3C Trace Context; None: there is none.

    A host that has a span has loaded OpenTelemetry, so nothing is imported for it.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    get_current_span = getattr(trace, "get_current_span", None)  # it may be half loaded
    if get_current_span is None:
        return None
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"
