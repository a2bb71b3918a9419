"""Our own description of the HTTP API, as a judge of every request that is accepted and of every answer."""

import json
from collections.abc import Callable
from typing import Any

import httpx
from openapi_core import Config, OpenAPI
from openapi_core.templating.paths.exceptions import OperationNotFound, PathNotFound
from starlette.applications import Starlette

from cobalt_mirror.workers.web.events_endpoint import BATCH_TYPE, SINGLE_TYPES
from cobalt_mirror.workers.web.openapi import describe
from tests.unit.cobalt.description import JudgedRequest, JudgedResponse

#: The judge is slow with bodies of so many bytes.
LONG = 100_000


def judge(app: Starlette, response: httpx.Response) -> None:
    """Raise openapi-core's error for an answer, or an accepted request, that the description does not allow."""
    is_bug = response.status_code == httpx.codes.INTERNAL_SERVER_ERROR  # which a test makes on purpose
    is_ours = hasattr(app.state, "operations")  # not a host that has mounted us
    is_whole = isinstance(response.request.stream, httpx.ByteStream)  # not sent piece by piece
    is_head = response.request.method == "HEAD"  # which every GET answers to
    if is_bug or is_head or not is_ours or not is_whole:
        return
    description = _description(app)
    request = JudgedRequest(response.request, host_url="http://mirror.test")
    request.path = request.path.removesuffix("/")
    try:
        is_cobalts = request.path == "/webhooks/cobalt"  # what that takes is Cobalt's to say
        if response.is_success and not is_cobalts and len(response.request.content) < LONG:
            description.validate_request(request)
        description.validate_response(request, JudgedResponse(response))
    except (PathNotFound, OperationNotFound):
        assert response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}


_made: list[OpenAPI] = []


def _description(app: Starlette) -> OpenAPI:
    """The description, which is the same for every application: it takes a second to read."""
    if not _made:
        readers: dict[str, Callable[[bytes], Any]] = dict.fromkeys((*SINGLE_TYPES, BATCH_TYPE), _decode)
        config = Config(extra_media_type_deserializers=readers)
        _made.append(OpenAPI.from_dict(describe(app.state.operations), config=config))
    return _made[0]


def _decode(body: bytes, **_: str) -> Any:
    """Decode a body; its media type may have a `charset`."""
    return json.loads(body)
