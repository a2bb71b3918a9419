"""Who watches a worker, as the settings say. What is not asked for is not imported."""

from typing import TYPE_CHECKING

import structlog

from cobalt_mirror.extras import describe_missing
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.observing import Observer, Observers
from cobalt_mirror.workers.telemetry.serving import count_worker

if TYPE_CHECKING:
    from cobalt_mirror.workers.telemetry.tracing import Tracing

log = structlog.get_logger()


def observe_worker(settings: Settings) -> Observers:
    """In a process of a worker: begin to watch."""
    tracer, sentry = trace(settings), report_errors(settings)
    asked_for = [each for each in (tracer, sentry) if each is not None]
    return Observers((*count_worker(settings), *asked_for), tracer)


def report_errors(settings: Settings) -> Observer | None:
    """Begin to send errors to Sentry; None: SENTRY_DSN is not set, or the library is not installed."""
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return None
    try:
        from cobalt_mirror.workers.telemetry.sentry import Sentry  # noqa: PLC0415
    except ModuleNotFoundError as error:
        log.warning("no_error_reports", reason=describe_missing(error, "sentry") or str(error))
        return None
    return Sentry(dsn)


def trace(settings: Settings) -> "Tracing | None":
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
