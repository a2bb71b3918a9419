"""The description of the HTTP API is valid, complete, and a page that loads nothing."""

import base64
import hashlib
import re
from typing import Any

import pytest
from openapi_spec_validator import validate
from starlette.applications import Starlette

from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web import create_app
from cobalt_mirror.workers.web.openapi import split_docstring
from tests.asgi import ask


@pytest.fixture(scope="module")
def app() -> Starlette:
    return create_app(Settings(events_token="s3cret", metrics_token="s3cret", cobalt_api_key="tk_s3cret"))


@pytest.fixture(scope="module")
def document(app: Starlette) -> dict[str, Any]:
    answer: dict[str, Any] = ask(app, "/openapi.json").json()
    return answer


def test_it_is_valid_and_has_every_route_with_a_name_of_its_own(app: Starlette, document: dict[str, Any]) -> None:
    validate(document)
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    served = {(each.path, method.lower()) for each in app.routes for method in each.methods - {"HEAD"}}  # type: ignore[attr-defined] # an app with routes

    assert described == {(path, method) for path, method in served if not path.endswith("/")}
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)
    assert "get_accounts_history" in names
    assert "s3cret" not in ask(app, "/openapi.json").text


def test_everything_about_customers_wants_a_token(document: dict[str, Any]) -> None:
    open_to_all = {
        path for path, methods in document["paths"].items() for each in methods.values() if not each["security"]
    }

    assert open_to_all == {"/docs", "/healthz", "/openapi.json", "/readyz", "/reconnect/{token}", "/webhooks/cobalt"}


def test_the_page_has_every_operation_and_schema_and_loads_nothing(app: Starlette, document: dict[str, Any]) -> None:
    page = ask(app, "/docs")
    targets = set(re.findall(r'href="#([^"]+)"', page.text))

    for path in document["paths"]:
        assert f"{path}</code>" in page.text
    assert targets <= set(re.findall(r'id="([^"]+)"', page.text))
    assert "`" not in page.text
    assert "<p></p>" not in page.text
    assert "a slash in it is <code>%2F</code>" in page.text
    assert not re.findall(r"<script|<link|<img|src=|@import|url\(|https?://", page.text)
    [style] = re.findall("<style>(.*)</style>", page.text)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}'; ")
    assert "frame-ancestors 'none'" in policy


def test_below_a_host_s_path_both_name_that_path() -> None:
    app = create_app(Settings(events_token="t"))

    assert ask(app, "/cobalt/openapi.json", root_path="/cobalt").json()["servers"] == [{"url": "/cobalt"}]
    assert 'href="/cobalt/openapi.json"' in ask(app, "/cobalt/docs", root_path="/cobalt").text


DOCSTRING = """One thing.

Attributes:
    name: its name. `None` keeps
        the old one.
    size: how large; None: not known."""


@pytest.mark.parametrize(
    ("schema", "described"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"description": "Two\n    lines."}, {"description": "Two lines."}),
        (
            {"description": DOCSTRING, "properties": {"name": {}, "size": {"type": "integer"}, "other": {}}},
            {
                "description": "One thing.",
                "properties": {
                    "name": {"description": "its name. `null` keeps the old one."},
                    "size": {"type": "integer", "description": "how large; null: not known."},
                    "other": {},
                },
            },
        ),
    ],
    ids=["without words", "without attributes", "with attributes"],
)
def test_a_docstring_is_shared_out_among_the_properties(schema: dict[str, Any], described: dict[str, Any]) -> None:
    assert split_docstring(schema) == described
