"""Read and decode request bodies, within a limit of bytes and of seconds."""

import asyncio
import json
import math
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from cobalt_mirror.workers.errors import NotJson

#: The longest that a body may take to arrive.
BODY_TIMEOUT_SECONDS = 20.0
#: How many lists and objects may be inside each other.
DEEPEST = 64
_NESTING = frozenset({dict, list})


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the raw bytes of a request's body.

    Args:
        request: The request; its body has not been read yet.
        limit: Largest size in bytes; both content-length and the bytes that arrive are checked.

    Raises:
        HTTPException: 413 if the body is larger, 408 if it does not arrive in time, 400 if the client disconnects.
    """
    too_large = HTTPException(413, f"the body is over the limit of {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {BODY_TIMEOUT_SECONDS:g} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the client disconnected before the body was complete") from None
    return bytes(body)


def decode(body: bytes) -> Any:
    """Return the JSON document in the body.

    Raises:
        NotJson: The body is not JSON, or it has numbers or a nesting that databases do not store.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise NotJson("not JSON: the text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise NotJson("JSON that cannot be read: a number is too large, or the nesting is too deep") from None
    _check_depth(document, DEEPEST)
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError(digits)
    return number


def _check_depth(value: Any, levels: int) -> None:
    if type(value) not in _NESTING:
        return
    if not levels:
        raise NotJson(f"nested more than {DEEPEST} levels deep")
    for item in value.values() if isinstance(value, dict) else value:
        if type(item) in _NESTING:  # no call for each number: a large body has hundreds of thousands
            _check_depth(item, levels - 1)
