"""What the demo's processes get of the operator's environment."""

from pathlib import Path

import pytest

from cobalt_mirror.workers.demo.services import _environment
from cobalt_mirror.workers.settings import Settings


def test_nothing_hears_of_customers_who_do_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operators = {
        "NOTICES_URL": "https://app.example/notices",
        "NOTICES_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "HANDLERS_MODULE": "shop.notices",
        "SENTRY_DSN": "https://key@sentry.example/1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel.example:4318",
        "worker_metrics_port": "9100",
    }
    for name, value in operators.items():
        monkeypatch.setenv(name, value)
    for name, value in _environment(tmp_path, None, "http://127.0.0.1:1", "redis://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)

    settings = Settings.from_environment()

    assert (settings.notices_url, settings.handlers_module) == (None, None)
    assert (settings.sentry_dsn.get_secret_value(), settings.worker_metrics_port) == ("", None)
