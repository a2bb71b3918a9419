"""Requests and responses of the sandbox, as plain values without sockets or a framework."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json

from cobalt_mirror.cobalt.sandbox.ledger import CallRecord

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxRequest:
    """One HTTP request.

    Attributes:
        method: Upper case.
        path: The raw path as sent, still percent-encoded, without the query.
        query: The raw query without its question mark.
        headers: Lower-case names to values, each value's bytes decoded as latin-1.
        body: The raw body.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Delivery(StrEnum):
    """How an answer reaches the caller."""

    ANSWERED = "answered"
    SILENT = "silent"  # no answer ever comes: the caller's read timeout decides
    CLOSED = "closed"  # the connection ends without an answer


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxResponse:
    """One HTTP response, and how it reaches the caller.

    Attributes:
        latency_seconds: How long the answer takes; the transport decides whether to sleep.
        call: Its row in the ledger, if it answers a call of the API.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    latency_seconds: float = 0.0
    delivery: Delivery = Delivery.ANSWERED
    call: CallRecord | None = None


class Refusal(Exception):
    """A request that Cobalt answers with an error.

    Attributes:
        status: HTTP status.
        error: The code that a program compares, such as ``INVALID_LINKED_ACCOUNT_ID``.
        message: A sentence for a person.
        error_type: The type in the body; default the name of the status.
    """

    def __init__(self, status: int, error: str, message: str, *, error_type: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.error_type = HTTPStatus(status).name if error_type is None else error_type

    def body(self, request_id: str, *, error_key: str = "error") -> dict[str, Any]:
        """Return Cobalt's error body, with the code under `error_key`."""
        return {
            "status_code": self.status,
            "http_error_type": self.error_type,
            error_key: self.error,
            "message": self.message,
            "request_id": request_id,
        }


class AccountRefusal(Refusal):
    """A refusal of the account that a call names; it comes before the service behind the route is asked."""


def bad_request(message: str) -> Refusal:
    """Return the refusal of an invalid request."""
    return Refusal(400, "BAD_REQUEST", message)


def not_found(message: str) -> Refusal:
    """Return the refusal of a call about something that is not there."""
    return Refusal(404, "RESOURCE_NOT_FOUND", message)


def not_served(what: str) -> Refusal:
    """Return the refusal of a call that Cobalt may answer and the sandbox cannot."""
    return Refusal(501, "NOT_IMPLEMENTED", f"The sandbox does not have {what}; Cobalt may have it.")


def unknown_account(linked_account_id: str) -> Refusal:
    """Return the refusal for an account that is not in the key's environment."""
    return AccountRefusal(400, "INVALID_LINKED_ACCOUNT_ID", f"There is no linked account {linked_account_id!r} here.")


def json_response(status: int, payload: object, headers: Mapping[str, str] | None = None) -> SandboxResponse:
    """Return a JSON answer in UTF-8."""
    return SandboxResponse(status=status, headers={"content-type": JSON_TYPE, **(headers or {})}, body=to_json(payload))


def html_response(status: int, page: str) -> SandboxResponse:
    """Return an HTML page."""
    return SandboxResponse(status=status, headers={"content-type": HTML_TYPE}, body=page.encode())


def text_of(value: object) -> str:
    """Return a value of a body as a text: a text as it is, a whole number without `.0`, all else as JSON."""
    return value if isinstance(value, str) else to_json(value).decode().removesuffix(".0")


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers as Node reads them: latin-1, names in lower case, repeated ones joined by a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
