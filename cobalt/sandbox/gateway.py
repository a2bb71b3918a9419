"""The handling of an API call in order: ledger, rate limit, faults, authentication, handler, answer."""

import math
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from pydantic_core import from_json

from cobalt_mirror.cobalt.sandbox import connections
from cobalt_mirror.cobalt.sandbox.authentication import Caller, authorize, identify, identify_token
from cobalt_mirror.cobalt.sandbox.call import Call
from cobalt_mirror.cobalt.sandbox.faults import Answer, Effect, Fault, Faults, Subject
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord
from cobalt_mirror.cobalt.sandbox.messages import (
    AccountRefusal,
    Delivery,
    Refusal,
    SandboxRequest,
    SandboxResponse,
    html_response,
    json_response,
    not_served,
)
from cobalt_mirror.cobalt.sandbox.past import Past
from cobalt_mirror.cobalt.sandbox.rate import TokenBucket
from cobalt_mirror.cobalt.sandbox.router import Access, Route
from cobalt_mirror.cobalt.sandbox.routes import ROUTER, Handler
from cobalt_mirror.cobalt.sandbox.settings import RetryAfter
from cobalt_mirror.cobalt.sandbox.state import Environment, World, iso

#: The routes that only read what a customer has.
_READS = re.compile(r"(sdk_)?(read|list)_(account|accounts|application|applications|config|configs)$")
#: The statuses of errors about the key, which come before the service behind the route is asked.
_ABOUT_THE_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_Match = tuple[Route[Handler], dict[str, str]] | None


class Gateway:
    """Answers API calls for one world."""

    def __init__(self, world: World, *, base_url: str | None) -> None:
        self.faults = Faults(world.rng)
        self._world = world
        self._base_url = base_url
        self._bucket = TokenBucket()
        self._past = Past(world)
        self._late: list[tuple[datetime, int, SandboxRequest]] = []
        self._late_made = 0

    @property
    def late_effects(self) -> int:
        """The number of late effects that are pending."""
        return len(self._late)

    def settle(self) -> None:
        """Apply late effects that are due."""
        if not self._late:
            return
        due = sorted((entry for entry in self._late if entry[0] <= self._world.now), key=lambda entry: entry[:2])
        self._late = [entry for entry in self._late if entry[0] > self._world.now]
        for _, _, request in due:
            self._dispatch(request, ROUTER.find(request.method, request.path))

    def answer(self, request: SandboxRequest) -> SandboxResponse:
        """Handle one call."""
        match = ROUTER.find(request.method, request.path)
        caller = _caller(self._world, request, match)
        subject = _subject(request, match, caller)
        record = self._open(request, subject, caller)
        response = self._throttled()
        if response is None:
            fault, latency = self.faults.choose(subject) if self.faults else (None, 0.0)
            response = self._dispatch(request, match) if fault is None else self._play(fault, request, match)
            if fault is not None:
                record.fault = _label(fault)
            if latency:
                response = replace(response, latency_seconds=latency)
        self._world.ledger.close_call(response.status if response.delivery is Delivery.ANSWERED else None)
        self._renew_some_token(record)
        return replace(response, call=record)

    def _renew_some_token(self, record: CallRecord) -> None:
        """Renew a token after the share of calls in the settings, as the provider's lifetimes would have it."""
        share = self._world.settings.token_renewals
        if not share or record.environment is None or record.linked_account_id is None:
            return
        account = self._world.find_account(Environment(record.environment), record.linked_account_id)
        if account is not None and self._world.rng.random() < share:
            connections.renew_any_token(self._world, account)

    def _open(self, request: SandboxRequest, subject: Subject, caller: Caller) -> CallRecord:
        record = self._world.ledger.open_call(
            at=iso(self._world.now), method=request.method, path=request.path, route=subject.route
        )
        record.environment = None if caller.environment is None else caller.environment.value
        record.linked_account_id = subject.linked_account_id
        record.slug = subject.slug
        return record

    def _throttled(self) -> SandboxResponse | None:
        if not self._world.settings.rate_limited:
            return None
        wait = self._bucket.take(self._world.now, self._world.settings)
        return None if wait is None else self._too_many(wait)

    def _too_many(self, wait_seconds: float) -> SandboxResponse:
        headers: dict[str, str] = {}
        seconds = max(1, math.ceil(wait_seconds))
        if self._world.settings.retry_after is RetryAfter.SECONDS:
            headers["retry-after"] = str(seconds)
        elif self._world.settings.retry_after is RetryAfter.DATE:
            headers["retry-after"] = format_datetime(self._world.now + timedelta(seconds=seconds), usegmt=True)
        refusal = Refusal(429, "TOO_MANY_REQUESTS", "Slow down.")
        return json_response(429, refusal.body(self._world.new_id()), headers)

    def _play(self, fault: Fault, request: SandboxRequest, match: _Match) -> SandboxResponse:
        if fault.effect is Effect.DONE:
            true_answer = self._dispatch(request, match)
            if fault.answer in (Answer.NORMAL, Answer.LATENCY):
                return true_answer
            if fault.answer is Answer.TRUNCATED:
                return _cut(true_answer)
        elif fault.effect is Effect.LATER:
            self._late_made += 1
            self._late.append((self._world.now + timedelta(seconds=fault.later_seconds), self._late_made, request))
        return self._false_answer(fault, match)

    def _false_answer(self, fault: Fault, match: _Match) -> SandboxResponse:
        match fault.answer:
            case Answer.THROTTLE:
                return self._too_many(1.0)
            case Answer.TIMEOUT:
                return SandboxResponse(status=504, delivery=Delivery.SILENT)
            case Answer.CLOSED:
                return SandboxResponse(status=502, delivery=Delivery.CLOSED)
            case Answer.HTML:
                name = fault.status.phrase
                return html_response(fault.status, f"<html><body><h1>{fault.status} {name}</h1></body></html>")
            case _:
                refusal = Refusal(fault.status, fault.error or fault.status.name, "A fault rule applied to this call.")
                return self._refuse(refusal, error_key=_error_key(refusal, match))

    def _dispatch(self, request: SandboxRequest, match: _Match) -> SandboxResponse:
        if match is None:
            return self._refuse(_no_route(request))
        route, params = match
        with self._as_of(route):
            return self._handle(request, route, params)

    def _as_of(self, route: Route[Handler]) -> AbstractContextManager[None]:
        """Let a read see how things were, after the share of reads in the settings."""
        settings = self._world.settings
        if not settings.stale_reads:
            return nullcontext()
        self._past.keep()
        if not _READS.match(route.name) or self._world.rng.random() >= settings.stale_reads:
            return nullcontext()
        self._world.ledger.mark_stale()
        return self._past.shown(self._world.now - timedelta(seconds=settings.stale_seconds))

    def _handle(self, request: SandboxRequest, route: Route[Handler], params: dict[str, str]) -> SandboxResponse:
        try:
            call = self._admit(request, route, params)
        except Refusal as refusal:
            return self._refuse(refusal)
        try:
            return json_response(200, route.handler(call))
        except AccountRefusal as refusal:
            return self._refuse(refusal)
        except Refusal as refusal:
            return self._refuse(refusal, error_key=route.error_key)

    def _admit(self, request: SandboxRequest, route: Route[Handler], params: dict[str, str]) -> Call:
        caller, environment = authorize(self._world, request, route.access)
        return Call(
            world=self._world,
            request=request,
            params=params,
            base_url=self._base_url or f"http://{request.headers.get('host', 'localhost')}",
            environment=environment,
            token=caller.token,
            token_account=caller.account,
        )

    def _refuse(self, refusal: Refusal, *, error_key: str = "error") -> SandboxResponse:
        return json_response(refusal.status, refusal.body(self._world.new_id(), error_key=error_key))


def _caller(world: World, request: SandboxRequest, match: _Match) -> Caller:
    takes_tokens_only = match is not None and match[0].access is Access.TOKEN
    return identify_token(world, request) if takes_tokens_only else identify(world, request)


def _subject(request: SandboxRequest, match: _Match, caller: Caller) -> Subject:
    """Return what rules match. A session token says whose call it is, whatever else the call names."""
    params = {} if match is None else match[1]
    body = _peek(request.body)
    headers = request.headers
    account = (
        (None if caller.account is None else caller.account.linked_account_id)
        or params.get("linked_account_id")
        or headers.get("linked_account_id")
        or body.get("linked_account_id")
        or body.get("account_id")
        or _account_of_query(request.query)
    )
    slug = params.get("slug") or headers.get("slug") or body.get("slug")
    return Subject(
        method=request.method,
        path=request.path,
        route="unknown" if match is None else match[0].name,
        slug=slug if isinstance(slug, str) else None,
        linked_account_id=account if isinstance(account, str) else None,
    )


def _error_key(refusal: Refusal, match: _Match) -> str:
    """Return how an injected error names its code: as the route does, except about the key or the account."""
    comes_before_the_route = refusal.status in _ABOUT_THE_KEY or refusal.error == "INVALID_LINKED_ACCOUNT_ID"
    return "error" if match is None or comes_before_the_route else match[0].error_key


def _no_route(request: SandboxRequest) -> Refusal:
    """Return 501 below /api, since Cobalt may have the path: a 404 would say that an account or config is gone."""
    if request.path.startswith("/api/"):
        return not_served(f"{request.method} {request.path}")
    return Refusal(404, "NOT_FOUND", f"There is no page {request.path}.")


def _peek(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        parsed = from_json(body, allow_inf_nan=False)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _account_of_query(query: str) -> str | None:
    return parse_qs(query).get("linked_account_id", [None])[0] if "linked_account_id=" in query else None


def _cut(response: SandboxResponse) -> SandboxResponse:
    return SandboxResponse(
        status=response.status, headers=response.headers, body=response.body[: len(response.body) // 2]
    )


def _label(fault: Fault) -> str:
    return f"{fault.answer.value}, effect {fault.effect.value}"
