"""Who watches a worker, as the settings say. What is not asked for is not imported."""

import structlog

from cobalt_mirror.extras import describe_missing
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.observing import Observers, Tracer
from cobalt_mirror.workers.telemetry.serving import count_worker

log = structlog.get_logger()


def observe_worker(settings: Settings) -> Observers:
    """In a process of a worker: begin to watch."""
    tracer = trace(settings)
    return Observers((*count_worker(settings), *([] if tracer is None else [tracer])), tracer)


def trace(settings: Settings) -> Tracer | None:
    """Begin to send traces by OTLP over HTTP; None: no setting asks for them, or the library is not installed."""
    if settings.otel_sdk_disabled or not (
        settings.otel_exporter_otlp_endpoint or settings.otel_exporter_otlp_traces_endpoint
    ):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        from cobalt_mirror.workers.telemetry.tracing import Tracing  # noqa: PLC0415
    except ModuleNotFoundError as error:
        log.warning("no_traces", reason=describe_missing(error, "otel") or str(error))
        return None
    return Tracing(BatchSpanProcessor(OTLPSpanExporter()), service_name=settings.otel_service_name)
