"""A Cobalt that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from cobalt_mirror.cobalt import Client

KEY = "tk_a_key_that_must_not_leak"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

Answer = httpx.Response | Exception


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer with a JSON body."""
    return httpx.Response(status, json=body, headers=headers)


def refusal(status: int, code: str | None = None, message: str = "no") -> httpx.Response:
    """An error in Cobalt's usual form."""
    return answer({"status_code": status, "error": code, "message": message, "request_id": "req-1"}, status)


def token_answer(token: str = "token-1", *, expires_in: float = 86400) -> httpx.Response:
    """A session token as Cobalt mints it."""
    body = {"token": token, "refresh_token": f"{token}-r", "expires_in": expires_in, "refresh_expires_in": 2 * 86400}
    return answer(body)


def account_answer(linked_account_id: str = "acme", **more: Any) -> httpx.Response:
    """A linked account as Cobalt answers it."""
    return answer({"_id": "1", "account_id": linked_account_id, "environment": "test", "udf": [], **more})


def config_body(**more: Any) -> dict[str, Any]:
    """A config as Cobalt answers it."""
    return {"slug": "slack", "config_id": "acme", "fields": [], "workflows": [], "field_errors": [], **more}


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class ScriptedCobalt:
    """Gives its answers in turn; the last one again and again."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.clock = Clock()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        if isinstance(given, httpx.Response):
            return httpx.Response(given.status_code, headers=given.headers, content=given.content)
        return given(request)

    def client(self, **more: Any) -> Client:
        """A client that talks to this Cobalt."""
        return Client(KEY, transport=httpx.MockTransport(self._answer), clock=self.clock, **more)

    @property
    def request(self) -> httpx.Request:
        """The last request."""
        return self.requests[-1]

    @property
    def body(self) -> Any:
        """The last request's body."""
        return json.loads(self.request.content)

    @property
    def asked(self) -> list[str]:
        """Method and raw target of every request."""
        return [f"{each.method} {each.url.raw_path.decode()}" for each in self.requests]
