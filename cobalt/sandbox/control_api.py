"""The control API: settings, faults, changes by hand, the ledger and the full state, under ``/_sandbox/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError, validate_call

from cobalt_mirror.cobalt.sandbox.call import read_json, refuse_invalid
from cobalt_mirror.cobalt.sandbox.controls import Controls
from cobalt_mirror.cobalt.sandbox.dashboard import ACTIONS
from cobalt_mirror.cobalt.sandbox.faults import Fault
from cobalt_mirror.cobalt.sandbox.ledger import CallRecord, EffectRecord, as_rows
from cobalt_mirror.cobalt.sandbox.messages import Refusal, SandboxRequest, SandboxResponse, bad_request, json_response
from cobalt_mirror.cobalt.sandbox.origin import check_origin
from cobalt_mirror.cobalt.sandbox.router import Route, Router
from cobalt_mirror.cobalt.sandbox.state import Notification

_ControlHandler = Callable[[Controls, SandboxRequest, dict[str, str]], object]

_FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])
_FILTERS = frozenset({"method", "path", "route", "kind", "environment", "linked_account_id", "slug"})
_NUMBERS = frozenset({"after", "status", "call"})


def answer(sandbox: Controls, request: SandboxRequest) -> SandboxResponse:
    """Answer one request to the control API. It needs no key, is not rate-limited and is not in the ledger."""
    try:
        check_origin(request)
        match = _ROUTER.find(request.method, request.path)
        if match is None:
            raise Refusal(404, "NOT_FOUND", f"The control API has no {request.method} {request.path}.")
        route, params = match
        return json_response(200, route.handler(sandbox, request, params))
    except Refusal as refusal:
        return json_response(refusal.status, refusal.body("-"))


def _query(request: SandboxRequest) -> dict[str, str]:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def _object(request: SandboxRequest) -> dict[str, Any]:
    parsed = read_json(request.body or b"{}")
    if not isinstance(parsed, dict):
        raise bad_request("The body must be a JSON object.")
    return parsed


def _state(sandbox: Controls, request: SandboxRequest, _: dict[str, str]) -> object:
    query = _query(request)
    try:
        return sandbox.state(
            environment=query.get("environment"),
            linked_account_id=query.get("linked_account_id"),
            secrets=query.get("secrets") == "true",
        )
    except ValueError as error:
        raise bad_request(str(error)) from error


def _reset(sandbox: Controls, _: SandboxRequest, __: dict[str, str]) -> object:
    sandbox.reset()
    return {"reset": True}


def _settings(sandbox: Controls, _: SandboxRequest, __: dict[str, str]) -> object:
    return sandbox.settings.model_dump(mode="json")


def _change_settings(sandbox: Controls, request: SandboxRequest, _: dict[str, str]) -> object:
    try:
        return sandbox.change_settings(**_object(request)).model_dump(mode="json")
    except ValidationError as error:
        refuse_invalid(error)


def _faults(sandbox: Controls, _: SandboxRequest, __: dict[str, str]) -> object:
    rules = [fault.model_dump(mode="json", exclude_none=True) for fault in sandbox.faults()]
    return {"faults": rules, "late_effects": sandbox.late_effects()}


def _add_faults(sandbox: Controls, request: SandboxRequest, params: dict[str, str]) -> object:
    try:
        faults = _FAULTS.validate_python(read_json(request.body))
    except ValidationError as error:
        refuse_invalid(error)
    if request.method == "PUT":
        sandbox.clear_faults()
    sandbox.add_faults(*(faults if isinstance(faults, list) else [faults]))
    return _faults(sandbox, request, params)


def _clear_faults(sandbox: Controls, request: SandboxRequest, params: dict[str, str]) -> object:
    sandbox.clear_faults()
    return _faults(sandbox, request, params)


def _by_hand(sandbox: Controls, request: SandboxRequest, params: dict[str, str]) -> object:
    action = params["action"]
    if action not in ACTIONS:
        raise Refusal(404, "NOT_FOUND", f"{action}: must be one of {', '.join(ACTIONS)}.")
    try:
        made = validate_call(getattr(sandbox, action))(**_object(request))
    except ValidationError as error:
        refuse_invalid(error)
    except LookupError as error:
        raise Refusal(404, "NOT_FOUND", str(error.args[0])) from error
    except ValueError as error:
        raise bad_request(str(error)) from error
    return {"done": action} if made is None else {"done": action, "connection_id": made}


def _filters(request: SandboxRequest) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    for name, value in _query(request).items():
        if name in _FILTERS:
            filters[name] = value
        elif name in _NUMBERS and value.isdecimal():
            filters[name] = int(value)
        else:
            raise bad_request(f"{name}: no such filter, or not a number.")
    return filters


def _rows(
    select: Callable[..., list[CallRecord]] | Callable[..., list[EffectRecord]], request: SandboxRequest
) -> object:
    try:
        return as_rows(select(**_filters(request)))
    except AttributeError as error:
        raise bad_request(f"{error.name}: no such filter here.") from error


def _calls(sandbox: Controls, request: SandboxRequest, _: dict[str, str]) -> object:
    return _rows(sandbox.calls, request)


def _effects(sandbox: Controls, request: SandboxRequest, _: dict[str, str]) -> object:
    return _rows(sandbox.effects, request)


def _summary(sandbox: Controls, _: SandboxRequest, __: dict[str, str]) -> object:
    return sandbox.summary()


def _reset_ledger(sandbox: Controls, _: SandboxRequest, __: dict[str, str]) -> object:
    sandbox.reset_ledger()
    return sandbox.summary()


def _take_notifications(sandbox: Controls, request: SandboxRequest, _: dict[str, str]) -> object:
    notifications = sandbox.take_notifications(all_of_them=_query(request).get("all") == "true")
    return [_notification(notification) for notification in notifications]


def _notification(notification: Notification) -> dict[str, Any]:
    return {**asdict(notification), "body": notification.body.decode(), "due_at": notification.due_at.isoformat()}


_ROUTER: Router[_ControlHandler] = Router(
    (
        Route("state", "GET", "/_sandbox/state", _state),
        Route("reset", "POST", "/_sandbox/reset", _reset),
        Route("settings", "GET", "/_sandbox/settings", _settings),
        Route("change_settings", "PATCH", "/_sandbox/settings", _change_settings),
        Route("faults", "GET", "/_sandbox/faults", _faults),
        Route("add_faults", "POST", "/_sandbox/faults", _add_faults),
        Route("replace_faults", "PUT", "/_sandbox/faults", _add_faults),
        Route("clear_faults", "DELETE", "/_sandbox/faults", _clear_faults),
        Route("by_hand", "POST", "/_sandbox/dashboard/{action}", _by_hand),
        Route("calls", "GET", "/_sandbox/ledger/calls", _calls),
        Route("effects", "GET", "/_sandbox/ledger/effects", _effects),
        Route("summary", "GET", "/_sandbox/ledger/summary", _summary),
        Route("reset_ledger", "POST", "/_sandbox/ledger/reset", _reset_ledger),
        Route("take_notifications", "POST", "/_sandbox/notifications/take", _take_notifications),
    )
)
