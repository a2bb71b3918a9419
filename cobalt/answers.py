"""What an answer of Cobalt means: a value in the shape that was asked for, or an error of the tree."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An answer as it arrived, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """Cobalt's own words in an error body."""

    code: str | None
    message: str
    request_id: str | None


def value_from(received: Received, shape: TypeAdapter[T], call: Call) -> T:
    """Return the answer in the wanted shape; an empty 204 counts as null.

    Raises:
        UnexpectedAnswer: It is not JSON, or not of that shape. The text names the call and the keys, never a value.
    """
    try:
        value = json.loads(received.body) if received.body or received.status != 204 else None
    except ValueError:
        # `from None`: the JSON error carries the whole body, which may hold a token.
        raise _unexpected(received, call, f"the answer is not JSON ({_looks(received)})") from None
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        raise _unexpected(received, call, f"the answer lacks what was asked for: {_complaints(error)}") from None


def error_from(received: Received, call: Call, *, now: datetime) -> CobaltError:
    """Return the error that an answer outside 2xx means.

    A 404 counts as absence only in Cobalt's own words: a proxy that has lost its way answers 404 too, and nothing may
    be taken for deleted because of that.
    """
    said = _said(received.body)
    told: dict[str, Any] = {"call": str(call)}
    if said is not None:
        told["code"] = _bounded(said.code, call.secrets)
        told["message"] = _bounded(said.message, call.secrets) or ""
        told["request_id"] = _bounded(said.request_id, call.secrets)
    if received.status == 429:
        return RateLimited(retry_after_seconds(received.headers.get("retry-after"), now=now), **told)
    told["status"] = received.status
    if said is not None and "failed to verify credentials" in said.message.lower():
        return CredentialsRefused(**told)
    if received.status >= 500 or received.status == 408:
        return ServerError(**told, effect_possible=call.writes)
    if said is None or received.status < 400:
        return _unexpected(received, call, f"status {received.status} {_hint(received)}")
    meaning = _meaning(received.status, said.code, call)
    if meaning is None:
        return _unexpected(received, call, "status 404 without an error code of Cobalt's: this proves nothing absent")
    return meaning(**told)


def _meaning(status: int, code: str | None, call: Call) -> type[ResponseError] | None:
    known = _MEANING_OF_CODE.get(code or "")
    if known is not None:
        return known
    if status in {401, 403}:
        return KeyRefused
    if status != 404:
        return Refused
    if code == "EXTERNAL_API_FAILURE":
        return UnknownApplication
    return call.absent if code else None


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Return what `Retry-After` asks for, given as seconds or as an HTTP date; None when it is absent or unreadable."""
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


def _said(body: bytes) -> _Said | None:
    """Return the words of an error body in one of Cobalt's forms; None for anything else, such as a proxy's page."""
    try:
        told = json.loads(body)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    code, message = _text(told.get("error")) or _text(told.get("error_code")), told.get("message")
    message = "; ".join(map(str, message)) if isinstance(message, list) else _text(message) or ""
    if not code and not message:
        return None
    return _Said(code=code, message=message, request_id=_text(told.get("request_id")))


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


def _looks(received: Received) -> str:
    return f"{received.headers.get('content-type', 'no content-type')}, {len(received.body)} bytes"


def _hint(received: Received) -> str:
    if received.status < 400:
        return "is a redirect, which is not followed; check COBALT_BASE_URL"
    return f"without an error body of Cobalt's ({_looks(received)}): a proxy may have answered in its place"


def _complaints(error: ValidationError) -> str:
    """Name the keys at fault, at most five, and never their values."""
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}" for each in wrong[:5]]
    return "; ".join(named) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
