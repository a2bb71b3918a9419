"""Who watches a worker: nobody unless a setting asks for it, and nothing is imported before."""

import sys
from typing import Any

import pytest
import structlog

from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.starting import observe_worker, trace
from tests.unit.test_import_name import modules_after

ENDPOINT = "http://127.0.0.1:1"

#: The settings, and whether there are traces.
SETTINGS: list[tuple[dict[str, Any], bool]] = [
    ({}, False),
    ({"otel_service_name": "mirror"}, False),
    ({"otel_exporter_otlp_endpoint": ENDPOINT}, True),
    ({"otel_exporter_otlp_traces_endpoint": ENDPOINT}, True),
    ({"otel_exporter_otlp_endpoint": ENDPOINT, "otel_sdk_disabled": True}, False),
]


@pytest.mark.parametrize(("options", "traces"), SETTINGS)
def test_traces_are_made_when_the_standard_variables_ask_for_them(options: dict[str, Any], traces: bool) -> None:
    tracer = trace(Settings(**options))

    assert (tracer is not None) is traces
    if tracer is not None:
        tracer.close()


@pytest.mark.parametrize(
    ("options", "library", "extra"),
    [
        ({"otel_exporter_otlp_endpoint": ENDPOINT}, "opentelemetry", "otel"),
        ({"sentry_dsn": "https://key@sentry.test/1"}, "sentry_sdk", "sentry"),
    ],
)
def test_a_missing_library_is_one_warning_and_no_reason_to_stop(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], library: str, extra: str
) -> None:
    loaded = [name for name in sys.modules if name.startswith((library, "cobalt_mirror.workers.telemetry"))]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with structlog.testing.capture_logs() as lines:
        assert not observe_worker(Settings(**options))

    [line] = lines
    assert line["reason"] == f"{library} is not installed; run `pip install 'cobalt-mirror[{extra}]'`"


@pytest.mark.parametrize(("dsn", "reports"), [("", False), ("https://key@sentry.test/1", True)])
def test_errors_are_reported_when_there_is_a_dsn(dsn: str, reports: bool) -> None:
    observers = observe_worker(Settings(sentry_dsn=dsn))

    assert [observer.watches_deaths for observer in observers.each] == [True] * reports
    observers.close()


def test_a_worker_that_nobody_watches_loads_nothing_for_it() -> None:
    loaded = modules_after(
        "import sys\n"
        "from cobalt_mirror.workers import runtime\n"
        "from cobalt_mirror.workers.settings import Settings\n"
        "from cobalt_mirror.workers.telemetry.starting import observe_worker\n"
        "assert not observe_worker(Settings())\n"
        "print()\nprint(*sorted(sys.modules))"
    )

    # redis-py imports the API and the SDK of OpenTelemetry by itself, where they are installed.
    ours = {f"cobalt_mirror.workers.telemetry.{name}" for name in ("metrics", "sentry", "tracing")}
    assert {*ours, "opentelemetry.exporter", "prometheus_client", "sentry_sdk"} & loaded == set()
