"""The vendor's own description of the API, or our facts of it, as a judge of our requests and the sandbox's answers."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.facts import DESCRIPTION, OPERATIONS
from tests.facts.notation import description_of
from tests.facts.required import require_keys


def _fields_go_in_as_a_map(schemas: dict[str, Any]) -> None:
    """The description types the fields of config requests as lists; the vendor's pages and both SDKs send maps."""
    install = schemas["InstallApplicationConfigRequest"]["properties"]
    install["fields"] = install["workflows"]["items"]["properties"]["fields"] = {"type": "object"}


def _a_new_account_has_null_for_integrations(schemas: dict[str, Any]) -> None:
    """The description says a list; the vendor's own example of a create shows null."""
    schemas["LinkedAccount"]["properties"]["integrations"]["nullable"] = True


def _identifier_is_any_value(schemas: dict[str, Any]) -> None:
    """The description says text; the vendor's own examples show objects and null."""
    connected = schemas["ApplicationItem"]["properties"]["connected_accounts"]["items"]["properties"]
    connected["identifier"] = {}


def _labels_of_a_mapping_are_a_list(schemas: dict[str, Any]) -> None:
    """The description says an object; the vendor's page about mappings and its browser SDK show a list of options."""
    schemas["IFieldInConfig"]["properties"]["labels"] = {"type": "array"}


def _account_calls_take_session_tokens(paths: dict[str, Any]) -> None:
    """The description lists the key alone for some account-scoped calls; the vendor's guide lets a token replace it."""
    for operations in paths.values():
        for operation in operations.values():
            if {"$ref": "#/components/parameters/LinkedAccountIdHeader"} in operation.get("parameters", []):
                operation["security"].append({"Linked Account Token": []})


def corrected_description() -> dict[str, Any]:
    """The vendor's description, where it lies beside the clone, with what its other documents correct and add."""
    described: dict[str, Any] = yaml.load(
        DESCRIPTION.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    _fields_go_in_as_a_map(described["components"]["schemas"])
    _identifier_is_any_value(described["components"]["schemas"])
    _labels_of_a_mapping_are_a_list(described["components"]["schemas"])
    _a_new_account_has_null_for_integrations(described["components"]["schemas"])
    _account_calls_take_session_tokens(described["paths"])
    require_keys(described)
    return described


@cache
def vendors_openapi() -> OpenAPI:
    """The corrected description."""
    return OpenAPI.from_dict(corrected_description())


@cache
def own_openapi() -> OpenAPI:
    """Our facts of it."""
    return OpenAPI.from_dict(description_of(json.loads(OPERATIONS.read_text("utf-8"))))


class JudgedRequest:
    """A request in the form that openapi-core judges."""

    def __init__(self, request: httpx.Request, *, host_url: str = "https://app.refold.ai") -> None:
        self.host_url = host_url
        self.path = request.url.raw_path.decode().partition("?")[0]
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "")
        self.body = request.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()), header=Headers(request.headers.multi_items())
        )


class JudgedResponse:
    """An answer in the form that openapi-core judges."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0]
        self.headers = Headers(response.headers.multi_items())
        self.data = response.content


class Description:
    """Raises openapi-core's errors for what the description does not allow."""

    def __init__(self, openapi: OpenAPI) -> None:
        self._openapi = openapi

    def judge_request(self, request: httpx.Request) -> None:
        self._openapi.validate_request(JudgedRequest(request))

    def judge_answer(self, request: httpx.Request, response: httpx.Response) -> None:
        """Judge a success; the description says nothing of errors."""
        if response.is_success:
            json.loads(response.content)
            self._openapi.validate_response(JudgedRequest(request), JudgedResponse(response))


@pytest.fixture(scope="session")
def description() -> Description:
    """The vendor's description, where it is at hand; else our facts of it."""
    return Description(vendors_openapi() if DESCRIPTION.exists() else own_openapi())
