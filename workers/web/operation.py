"""An operation of the HTTP API: one entry of the table that both the router and the description are made of."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cobalt_mirror.workers.web.bearer import check_bearer
from cobalt_mirror.workers.web.parameters import Parameter, read_parameters
from cobalt_mirror.workers.web.paths import EncodedRoute

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The bearer token that an operation needs, and the setting that holds it."""

    variable: str
    token: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation answers if all is well.

    Attributes:
        status: the HTTP status.
        description: when that is.
        kind: the type whose JSON it is; None: no JSON.
        media_type: the content type; None: it has no body.
    """

    status: int = 200
    description: str
    kind: Any = None
    media_type: str | None = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        method: the HTTP method.
        path: the path, with `{account_id}` where the id of an account stands.
        endpoint: what answers.
        summary: what it does, in a few words.
        description: what else to know; may be empty.
        guard: the token that it needs; None: it needs none.
        parameters: what its query may have. The endpoint gets no others.
        bodies: what its body may be: the media type, and the name of a schema.
        answers: its answers if all is well.
        refusals: its other answers, by status, and when they are given.
    """

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    description: str = ""
    guard: Guard | None = None
    parameters: tuple[Parameter[Any], ...] = ()
    bodies: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[Answer, ...]
    refusals: Mapping[int, str] = field(default_factory=dict)

    async def serve(self, request: Request) -> Response:
        """Check the token, read the parameters, and answer."""
        if self.guard is not None:
            name = f"{self.method} {self.path}"
            check_bearer(request, self.guard.token, variable=self.guard.variable, endpoint=name)
        read_parameters(request, self.parameters)
        response = await self.endpoint(request)
        if self.guard is not None:
            response.headers.setdefault("cache-control", "no-store")  # it is about customers
        return response

    def routes(self) -> list[BaseRoute]:
        """Return the routes without and with a slash at the end: Cobalt takes a redirect for a failure."""
        kind = EncodedRoute if "{account_id}" in self.path else Route  # only an id may have a slash
        return [kind(path, self.serve, methods=[self.method]) for path in (self.path, f"{self.path}/")]
