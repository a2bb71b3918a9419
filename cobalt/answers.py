"""Map Cobalt's answers to values of the expected shape, or to errors."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cobalt_mirror.cobalt.call import Call
from cobalt_mirror.cobalt.errors import (
    CobaltError,
    CredentialsRefused,
    KeyRefused,
    RateLimited,
    Refused,
    ResponseError,
    ServerError,
    UnexpectedAnswer,
    UnknownAccount,
    UnknownApplication,
)

T = TypeVar("T")

LONGEST_MESSAGE = 500
_WITHHELD = "(withheld, as it repeats a secret of the request)"
_MEANING_OF_CODE: Mapping[str, type[ResponseError]] = {
    "INVALID_LINKED_ACCOUNT_ID": UnknownAccount,
    "INVALID_APP_ID": UnknownApplication,
}
_ABSENT = "RESOURCE_NOT_FOUND"
"""The code with which a few calls say 400 where others say 404."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A complete answer as it arrived."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ErrorBody:
    """The content of an error body in one of Cobalt's forms."""

    code: str | None
    message: str
    request_id: str | None


def value_from(received: Received, shape: TypeAdapter[T], call: Call) -> T:
    """Return the answer in the expected shape; an empty 204 counts as null.

    Raises:
        UnexpectedAnswer: It is not JSON, or not of that shape. The text names the call and the keys, never a value.
    """
    try:
        value = json.loads(received.body) if received.body or received.status != 204 else None
    except ValueError:
        # `from None`: the JSON error carries the whole body, which may hold a token.
        raise _unexpected(received, call, f"the answer is not JSON ({_describe(received)})") from None
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        raise _unexpected(received, call, f"the answer does not have the documented form: {_problems(error)}") from None


def error_from(received: Received, call: Call, *, now: datetime) -> CobaltError:
    """Return the error for an answer outside 2xx.

    A 404 proves absence only with an error body of Cobalt's: a misconfigured proxy answers 404 too, and that must not
    make anything count as deleted. A 400 proves it only with the code that says so.
    """
    error_body = _read_error_body(received.body)
    details: dict[str, Any] = {"call": str(call)}
    if error_body is not None:
        details["code"] = _bounded(error_body.code, call.secrets)
        details["message"] = _bounded(error_body.message, call.secrets) or ""
        details["request_id"] = _bounded(error_body.request_id, call.secrets)
    if received.status == 429:
        return RateLimited(retry_after_seconds(received.headers.get("retry-after"), now=now), **details)
    details["status"] = received.status
    if error_body is not None and "failed to verify credentials" in error_body.message.lower():
        return CredentialsRefused(**details)
    if received.status >= 500 or received.status == 408:
        return ServerError(**details, effect_possible=call.writes)
    if error_body is None or received.status < 400:
        return _unexpected(received, call, f"status {received.status} {_hint(received)}")
    meaning = _meaning(received.status, error_body.code, call)
    if meaning is None:
        return _unexpected(
            received, call, "status 404 without a known error code of Cobalt's, so it does not prove absence"
        )
    return meaning(**details)


def _meaning(status: int, code: str | None, call: Call) -> type[ResponseError] | None:
    error_type = _MEANING_OF_CODE.get(code or "")
    if error_type is not None:
        return error_type
    if status in {401, 403}:
        return KeyRefused
    if status == 400 and code == _ABSENT:
        return call.absent
    if status != 404:
        return Refused
    if code == "EXTERNAL_API_FAILURE":
        return UnknownApplication
    return call.absent if code else None


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Return the seconds in `Retry-After`, which holds seconds or an HTTP date; None if it is absent or invalid."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        seconds = (moment - now).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _read_error_body(body: bytes) -> _ErrorBody | None:
    """Return the content of an error body in one of Cobalt's forms; None for anything else, such as a proxy's page."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    code, message = _text(document.get("error")) or _text(document.get("error_code")), document.get("message")
    message = "; ".join(map(str, message)) if isinstance(message, list) else _text(message) or ""
    if not code and not message:
        return None
    return _ErrorBody(code=code, message=message, request_id=_text(document.get("request_id")))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _bounded(text: str | None, secrets: Sequence[str]) -> str | None:
    if text is None:
        return None
    if any(secret in text for secret in secrets if secret):
        return _WITHHELD
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}…"


def _unexpected(received: Received, call: Call, text: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(text, call=str(call), effect_possible=call.writes)


def _describe(received: Received) -> str:
    return f"{received.headers.get('content-type', 'no content-type')}, {len(received.body)} bytes"


def _hint(received: Received) -> str:
    if received.status < 400:
        return "is a redirect, which is not followed; check COBALT_BASE_URL"
    return f"without an error body of Cobalt's ({_describe(received)}); a proxy may have answered instead"


def _problems(error: ValidationError) -> str:
    """Name the keys at fault, at most five, and never their values."""
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}" for problem in wrong[:5]]
    return "; ".join(named) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
