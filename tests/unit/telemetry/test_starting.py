"""Who watches a worker: nobody unless a setting asks for it, and nothing is imported before."""

import sys
from typing import Any

import pytest
import structlog

from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.telemetry.starting import trace
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


def test_a_missing_library_is_one_warning_and_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with structlog.testing.capture_logs() as lines:
        assert trace(Settings(otel_exporter_otlp_endpoint=ENDPOINT)) is None

    [line] = lines
    assert line["reason"] == "opentelemetry is not installed; run `pip install 'cobalt-mirror[otel]'`"


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
    ours = {f"cobalt_mirror.workers.telemetry.{name}" for name in ("errors", "metrics", "tracing")}
    assert {*ours, "opentelemetry.exporter", "prometheus_client", "sentry_sdk"} & loaded == set()
