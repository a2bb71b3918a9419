"""Reads the bodies of requests: never more of one than its limit, never longer than a patient sender takes."""

import asyncio
import json
import math
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from cobalt_mirror.workers.errors import NotJson

#: The longest that a body may take to arrive, in seconds.
PATIENCE_SECONDS = 20.0
#: How many lists and objects may be inside each other.
DEEPEST = 64


async def read_body(request: Request, *, limit: int) -> bytes:
    """The raw bytes of a request's body.

    Args:
        request: whose body nobody has read yet.
        limit: how many bytes are too many by one; what its head says and what comes are both counted.

    Raises:
        HTTPException: 413 it is larger, 408 it does not arrive in time, 400 the sender went away.
    """
    too_large = HTTPException(413, f"the body is over the limit of {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {PATIENCE_SECONDS:g} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the sender went away") from None
    return bytes(body)


def decode(body: bytes) -> Any:
    """What the body says.

    Raises:
        NotJson: it is not JSON, or has numbers or a nesting that no database takes.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error}") from None
    except UnicodeDecodeError:
        raise NotJson("not JSON: the text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise NotJson("not JSON that can be read: a number is too large or the nesting too deep") from None
    _check_depth(document, DEEPEST)
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError(digits)
    return number


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, list | dict):
        return
    if not left:
        raise NotJson(f"nested more than {DEEPEST} deep")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)
