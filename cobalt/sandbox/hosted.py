"""Cobalt's hosted page for one customer: connect by consent or by key, and set up what is connected."""

from html import escape
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

from cobalt_mirror.cobalt.sandbox import config_values, connecting, connections
from cobalt_mirror.cobalt.sandbox.applications import enabled_application
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.fields import HOLDS, Holds
from cobalt_mirror.cobalt.sandbox.messages import Refusal, SandboxRequest, SandboxResponse, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Choice, Consent, Integration, World

_SIMPLE = (Holds.TEXT, Holds.NUMBER, Holds.BOOLEAN)


def title_and_content(world: World, request: SandboxRequest, base_url: str) -> tuple[str, str]:
    """Return the page of the customer for whom the address was made.

    Raises:
        Refusal: 404 for an address that was not made.
    """
    page, account = _page_of(world, request)
    config_id = dict(parse_qsl(request.query)).get("config_id")
    sections = [
        _section(world, account, application, base_url=base_url, page=page, config_id=config_id)
        for application in world.applications.values()
        if application.slug not in world.disabled
    ]
    return f"Integrations of {escape(account.linked_account_id)}", "".join(sections)


def submit(world: World, request: SandboxRequest) -> SandboxResponse:
    """Connect by key or save a config, as a form of the page asks, and lead back to the page.

    Raises:
        Refusal: What was typed in is refused, or the address was not made.
    """
    _, account = _page_of(world, request)
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, errors="strict")
    form = dict(pairs)
    application = enabled_application(world, form.get("slug", ""))
    if "auth_type" in form:
        _connect(world, account, application, form)
    else:
        _save(world, account, application, pairs, config_id=form.get("config_id"))
    query = f"?{request.query}" if request.query else ""
    return SandboxResponse(status=303, headers={"location": f"{request.path}{query}", "content-type": "text/plain"})


def _page_of(world: World, request: SandboxRequest) -> tuple[Consent, Account]:
    page = world.consents.get(request.path.removeprefix("/connect/"))
    if page is None or page.slug is not None:
        raise Refusal(404, "NOT_FOUND", "There is no such page.")
    return page, world.get_account(page.environment, page.linked_account_id)


def _connect(world: World, account: Account, application: Application, form: dict[str, str]) -> None:
    auth_type = form["auth_type"]
    if not _is_typed_in(application, auth_type):
        raise bad_request(f"{application.slug} takes no {auth_type} credentials.")
    typed = {name.removeprefix("input."): value for name, value in form.items() if name.startswith("input.") and value}
    connecting.check_credentials(application, typed, auth_type=auth_type)
    if connections.REFUSED_CREDENTIAL in typed.values():
        raise bad_request("The provider refused these credentials.")
    connections.connect(world, account, application, auth_type=auth_type, credentials=typed, choice=Choice())


def _save(
    world: World, account: Account, application: Application, pairs: list[tuple[str, str]], *, config_id: str | None
) -> None:
    if application.slug not in account.connections:
        raise bad_request(f"{application.slug} is not connected.")
    key = config_values.config_key(world, account, application.slug, config_id=config_id, connection_id=None)
    values: dict[str, Any] = {}
    for field in filter(_is_shown, application.fields):
        value = _value(field, [text for name, text in pairs if name == f"input.{field.id}"])
        if field.field_type != "password" or value is not None:  # the form does not show the one that is stored
            values[field.id] = value
    config_values.ensure(world, account, key)
    config_values.edit(world, account, key, values=values, workflows={}, workflow_values={})


def _value(field: Field, texts: list[str]) -> Any:
    holds = HOLDS[field.field_type]
    if holds is Holds.BOOLEAN:
        return bool(texts)
    texts = [text for text in texts if text]
    try:
        values = [_number(text) for text in texts] if holds is Holds.NUMBER else texts
    except ValueError:
        raise bad_request(f"{field.id}: must be a number.") from None
    return list(values) if field.multiple else next(iter(values), None)


def _number(text: str) -> int | float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def _section(
    world: World, account: Account, application: Application, *, base_url: str, page: Consent, config_id: str | None
) -> str:
    connection = account.connections.get(application.slug)
    is_connected = connection is not None
    parts = [f"<h2>{escape(application.name)}{_standing(connection)}</h2>"]
    if application.opens_window:
        link = connecting.consent_url(world, base_url, account, application.slug, redirect_url=page.redirect_url)
        parts.append(f'<p><a href="{escape(link)}">Connect {escape(application.name)}</a></p>')
    for auth_type in application.auth:
        if _is_typed_in(application, auth_type):
            inputs = "".join(
                _input(each.name, each.label, kind="password" if each.type == "password" else "text")
                for each in application.inputs(auth_type)
            )
            parts.append(_form(application, inputs, f"Connect {application.name} by key", auth_type=auth_type))
    if is_connected and not application.has_multi_auth_enabled and any(map(_is_shown, application.fields)):
        parts.append(_config_form(world, account, application, config_id))
    return "".join(parts)


def _standing(connection: Integration | None) -> str:
    if connection is None:
        return ""
    return " (connect again)" if connection.is_expired else " (connected)"


def _config_form(world: World, account: Account, application: Application, config_id: str | None) -> str:
    key = config_values.config_key(world, account, application.slug, config_id=config_id, connection_id=None)
    config = account.configs.get(key)
    values = {} if config is None else config.values
    inputs = "".join(_field(field, values.get(field.id)) for field in application.fields if _is_shown(field))
    return _form(application, inputs, f"Save the settings of {application.name}", config_id=key[1])


def _field(field: Field, value: Any) -> str:
    holds, name = HOLDS[field.field_type], escape(f"input.{field.id}")
    if holds is Holds.BOOLEAN:
        checked = " checked" if value is True else ""
        return f'<p><label><input type="checkbox" name="{name}"{checked}> {escape(field.name)}</label></p>'
    values = [str(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
    if field.options:
        choices = "".join(
            f'<option value="{escape(each.value)}"{" selected" if each.value in values else ""}>{escape(each.name)}'
            for each in field.options
        )
        several, none = (" multiple", "") if field.multiple else ("", "<option value=''>")
        return f'<p><label>{escape(field.name)} <select name="{name}"{several}>{none}{choices}</select></label></p>'
    is_secret = field.field_type == "password"
    shown = "" if is_secret else next(iter(values), "")
    return _input(field.id, field.name, kind="password" if is_secret else "text", value=shown)


def _input(name: str, label: str, *, kind: str, value: str = "") -> str:
    box = f'<input type="{kind}" name="{escape(f"input.{name}")}" value="{escape(value)}">'
    return f"<p><label>{escape(label)} {box}</label></p>"


def _form(application: Application, inputs: str, button: str, **hidden: str) -> str:
    named = {"slug": application.slug, **hidden}
    kept = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in named.items())
    return f'<form method="post">{kept}{inputs}<button>{escape(button)}</button></form>'


def _is_typed_in(application: Application, auth_type: str) -> bool:
    return auth_type in application.auth and (auth_type == "keybased" or not application.opens_window)


def _is_shown(field: Field) -> bool:
    return not field.hidden and HOLDS.get(field.field_type) in _SIMPLE
