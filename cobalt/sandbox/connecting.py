"""What customers and hosts call to connect and disconnect: OAuth addresses, credentials, the hosted page."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cobalt_mirror.cobalt.sandbox import accounts, connections
from cobalt_mirror.cobalt.sandbox.applications import enabled_application
from cobalt_mirror.cobalt.sandbox.call import Body, Call, Identifier, check_body, read_json
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Grant
from cobalt_mirror.cobalt.sandbox.connections import REFUSED_CREDENTIAL
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Choice, Consent, World


class _ChoiceBody(Body):
    """What a body or query says of the connection, beside what the customer typed in."""

    connection_id: Identifier | None = None
    auth_profile_id: Identifier | None = None
    user_defined_fields: dict[str, Any] | None = None
    pre_requisite_fields: dict[str, Any] | None = None


_TEXTS = ("connection_id", "auth_profile_id")
_OBJECTS = ("user_defined_fields", "pre_requisite_fields")


def oauth_url(call: Call) -> dict[str, Any]:
    """GET oauth-url/{slug}."""
    account = call.account_from_header()
    application = enabled_application(call.world, call.slug)
    if "oauth2" not in application.auth:
        raise bad_request(f"{application.slug} does not connect through OAuth.")
    if application.grant is Grant.CLIENT_CREDENTIALS:
        raise bad_request(f"{application.slug} connects without a window: send its credentials to integrate.")
    choice = _choice(_choice_in_query(call))
    return _auth_url(call, account, application, choice=choice, redirect_url=call.query("redirect_url"))


def integrate(call: Call) -> dict[str, Any]:
    """GET and POST {slug}/integrate of the browser SDK: the fields are in the query or in the body."""
    account = call.account_from_header()
    application = enabled_application(call.world, call.slug)
    if "oauth2" not in application.auth:
        raise bad_request(f"{application.slug} does not connect through OAuth.")
    if call.request.method == "GET":
        typed: dict[str, Any] = {
            each.name: value for each in application.inputs("oauth2") if (value := call.query(each.name)) is not None
        }
        choice, redirect_url = _choice(_choice_in_query(call)), call.query("redirect_url")
    else:
        choice, typed = _split(call.json_object())
        redirect_url = typed.pop("redirect_url", None)
    check_credentials(application, typed, auth_type="oauth2")
    if application.grant is Grant.REDIRECT:
        return _auth_url(call, account, application, choice=choice, redirect_url=redirect_url)
    connections.check_choice(account, application, choice, auth_type="oauth2")
    if REFUSED_CREDENTIAL in typed.values():
        return {"connected": False}
    connections.connect(call.world, account, application, auth_type="oauth2", credentials=typed, choice=choice)
    return {"connected": True}


def save_credentials(call: Call) -> dict[str, Any]:
    """PUT save-key-credentials/{slug}, and the browser SDK's save."""
    account = call.account_from_header()
    application = enabled_application(call.world, call.slug)
    auth_type = call.query("auth_type") or "keybased"
    if auth_type != "keybased" or "keybased" not in application.auth:
        raise bad_request(f"{application.slug} takes no {auth_type} credentials.")
    choice, credentials = _split(call.json_object())
    check_credentials(application, credentials, auth_type=auth_type)
    connections.check_choice(account, application, choice, auth_type=auth_type)
    if REFUSED_CREDENTIAL in credentials.values():
        raise Refusal(500, "SERVER_ERROR", "Failed to verify credentials")
    connections.connect(call.world, account, application, auth_type=auth_type, credentials=credentials, choice=choice)
    return {"success": True}


def connect_url(call: Call) -> dict[str, Any]:
    """POST connect-url."""
    account = call.account_from_query()
    redirect_url = call.json_object().get("redirect_url")
    secret = call.world.new_secret("page")
    call.world.consents[secret] = Consent(
        environment=account.environment,
        linked_account_id=account.linked_account_id,
        slug=None,
        redirect_url=web_address(redirect_url),
    )
    config_id = call.query("config_id")
    chosen = "" if config_id is None else "?" + urlencode({"config_id": config_id}, quote_via=quote)
    return {"hosted_url": f"{call.base_url}/connect/{secret}{chosen}"}


def delete_integration(call: Call) -> dict[str, Any]:
    """DELETE linked-account/integration/{slug}."""
    account = call.account_from_query()
    auth_type, connection_id = call.query("auth_type"), call.query("connection_id")
    _check_disconnect(call, account, auth_type=auth_type, connection_id=connection_id)
    connections.disconnect(call.world, account, call.slug, auth_type=auth_type, connection_id=connection_id)
    return accounts.document(call.world, account, with_integrations=True)


def consent_url(
    world: World, base_url: str, account: Account, slug: str, *, redirect_url: str | None, choice: Choice | None = None
) -> str:
    """Return the URL of a page on which this account can consent once to one application."""
    state = world.new_secret("state")
    world.consents[state] = Consent(
        environment=account.environment,
        linked_account_id=account.linked_account_id,
        slug=slug,
        redirect_url=redirect_url,
        choice=Choice() if choice is None else choice,
    )
    page = urlencode({"linked_account_id": account.linked_account_id, "slug": slug, "state": state})
    return f"{base_url}/consent?{page}"


def check_credentials(application: Application, credentials: dict[str, Any], *, auth_type: str) -> None:
    """Check credentials against the inputs of the application.

    Raises:
        Refusal: 400 for a missing, unknown or wrong-typed one.
    """
    inputs = {auth_input.name: auth_input for auth_input in application.inputs(auth_type)}
    for name, value in credentials.items():
        if name not in inputs:
            raise bad_request(f"{name}: {application.slug} has no such credential.")
        if not isinstance(value, str):
            raise bad_request(f"{name}: must be a string.")
    for name, auth_input in inputs.items():
        if auth_input.required and not credentials.get(name):
            raise bad_request(f"{name}: is missing.")


def web_address(address: object) -> str | None:
    """Return the address to which the customer returns, if there is one.

    Raises:
        Refusal: 400 unless it is http or https with a host.
    """
    if address is None:
        return None
    if not isinstance(address, str):
        raise bad_request("redirect_url must be a string.")
    try:
        parts = urlsplit(address)
    except ValueError:
        raise bad_request("redirect_url must be a web address.") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise bad_request("redirect_url must be a web address.")
    return address


def _auth_url(
    call: Call, account: Account, application: Application, *, choice: Choice, redirect_url: object
) -> dict[str, Any]:
    connections.check_choice(account, application, choice, auth_type="oauth2")
    address = consent_url(
        call.world, call.base_url, account, application.slug, redirect_url=web_address(redirect_url), choice=choice
    )
    return {"auth_url": address}


def _check_disconnect(call: Call, account: Account, *, auth_type: str | None, connection_id: str | None) -> None:
    application = call.world.applications.get(call.slug)
    if application is None or not application.has_multi_auth_enabled:
        if connection_id is not None:
            raise bad_request(f"{call.slug} connects once: leave out connection_id.")
        return
    if connection_id is not None:
        part = connections.get_connection(account, call.slug, connection_id)
        if auth_type not in (None, part.auth_type):
            raise bad_request(f"auth_type: this connection connects by {part.auth_type}.")
    elif len(connections.select(account, call.slug, auth_type=auth_type)) > 1:
        raise bad_request(f"{call.slug} is connected more than once: connection_id must say which one to disconnect.")


def _choice(fields: dict[str, Any]) -> Choice:
    body = check_body(_ChoiceBody, fields)
    return Choice(
        connection_id=body.connection_id,
        auth_profile_id=body.auth_profile_id,
        user_defined_fields=body.user_defined_fields,
    )


def _choice_in_query(call: Call) -> dict[str, Any]:
    texts = {name: value for name in _TEXTS if (value := call.query(name)) is not None}
    objects = {name: read_json(value.encode()) for name in _OBJECTS if (value := call.query(name)) is not None}
    return {**texts, **objects}


def _split(body: dict[str, Any]) -> tuple[Choice, dict[str, Any]]:
    """Return what a body says of the connection, and the rest of it."""
    about = {name: value for name, value in body.items() if name in _TEXTS + _OBJECTS}
    return _choice(about), {name: value for name, value in body.items() if name not in about}
