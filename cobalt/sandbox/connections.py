"""Connecting and disconnecting: OAuth URLs, credentials, the hosted page, and expiry."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cobalt_mirror.cobalt.sandbox import accounts, notifications
from cobalt_mirror.cobalt.sandbox.applications import enabled_application
from cobalt_mirror.cobalt.sandbox.call import Call
from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, ConnectedAccount, ConnectionStatus, Consent, World, iso

REFUSED_CREDENTIAL = "invalid"
"""A credential with this value is one that the provider refuses."""


def oauth_url(call: Call) -> dict[str, Any]:
    """GET oauth-url/{slug}, and the browser SDK's integrate."""
    account = call.account_from_header()
    application = enabled_application(call.world, call.slug)
    if "oauth2" not in application.auth:
        raise bad_request(f"{application.slug} does not connect through OAuth.")
    redirect_url = web_address(call.query("redirect_url"))
    return {"auth_url": consent_url(call.world, call.base_url, account, application.slug, redirect_url)}


def consent_url(world: World, base_url: str, account: Account, slug: str, redirect_url: str | None) -> str:
    """Return the URL of a page on which this account can consent once to one application."""
    state = world.new_secret("state")
    world.consents[state] = Consent(
        environment=account.environment,
        linked_account_id=account.linked_account_id,
        slug=slug,
        redirect_url=redirect_url,
    )
    page = urlencode({"linked_account_id": account.linked_account_id, "slug": slug, "state": state})
    return f"{base_url}/consent?{page}"


def connect_url(call: Call) -> dict[str, Any]:
    """POST connect-url."""
    account = call.account_from_query()
    redirect_url = call.json_object().get("redirect_url")
    if redirect_url is not None and not isinstance(redirect_url, str):
        raise bad_request("redirect_url must be a string.")
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


def save_credentials(call: Call) -> dict[str, Any]:
    """PUT save-key-credentials/{slug}, and the browser SDK's save."""
    account = call.account_from_header()
    application = enabled_application(call.world, call.slug)
    auth_type = call.query("auth_type") or "keybased"
    if auth_type != "keybased" or "keybased" not in application.auth:
        raise bad_request(f"{application.slug} takes no {auth_type} credentials.")
    credentials = call.json_object()
    check_credentials(application, credentials)
    if REFUSED_CREDENTIAL in credentials.values():
        raise Refusal(500, "INTERNAL_SERVER_ERROR", "Failed to verify credentials")
    connect(call.world, account, application, auth_type=auth_type, credentials=credentials)
    return {"success": True}


def delete_integration(call: Call) -> dict[str, Any]:
    """DELETE linked-account/integration/{slug}."""
    account = call.account_from_query()
    disconnect(call.world, account, call.slug, auth_type=call.query("auth_type"))
    return accounts.document(call.world, account, with_integrations=True)


def check_credentials(application: Application, credentials: dict[str, Any]) -> None:
    """Check credentials against the inputs of the application.

    Raises:
        Refusal: 400 for a missing, unknown or wrong-typed one.
    """
    inputs = {auth_input.name: auth_input for auth_input in application.auth.get("keybased", ())}
    for name, value in credentials.items():
        if name not in inputs:
            raise bad_request(f"{name}: {application.slug} has no such credential.")
        if not isinstance(value, str):
            raise bad_request(f"{name}: must be a string.")
    for name, auth_input in inputs.items():
        if auth_input.required and not credentials.get(name):
            raise bad_request(f"{name}: is missing.")


def connect(
    world: World,
    account: Account,
    application: Application,
    *,
    auth_type: str,
    credentials: dict[str, str] | None = None,
    identifier: Any = None,
) -> None:
    """Connect or reconnect one auth type, with the notification ``Connection Created``."""
    parts = account.connections.setdefault(application.slug, {})
    part = parts.get(auth_type)
    kind = "connected" if part is None else "reconnected"
    if part is None:
        part = parts[auth_type] = ConnectedAccount(
            id=world.new_id(),
            auth_type=auth_type,
            identifier=_identifier(account, application) if identifier is None else identifier,
            connected_at=world.now,
            created_at=world.now,
            updated_at=world.now,
        )
    elif world.settings.reconnect_changes_connected_at:
        part.connected_at = world.now
    part.status = ConnectionStatus.ACTIVE
    part.updated_at = world.now
    part.credentials = dict(credentials or {})
    record(world, kind, account, application.slug, auth_type=auth_type, after=part.status.value)
    notifications.emit_connection(world, account, application.slug, "Connection Created")


def disconnect(world: World, account: Account, slug: str, *, auth_type: str | None) -> None:
    """Disconnect one auth type or all; with the last one, the application's configs are deleted."""
    parts = account.connections.get(slug, {})
    leaving = [name for name in parts if auth_type in (None, name)]
    for name in leaving:
        before = parts.pop(name).status.value
        record(world, "disconnected", account, slug, auth_type=name, before=before)
    if not parts:
        account.connections.pop(slug, None)
        for key in [key for key in account.configs if key[0] == slug]:
            del account.configs[key]
            record(world, "config_deleted", account, slug, config_id=key[1])
    if leaving:
        notifications.emit_connection(world, account, slug, "Connection Deleted")


def set_status(world: World, account: Account, slug: str, status: ConnectionStatus, *, auth_type: str | None) -> None:
    """Expire a connection, with the notification ``Connection Expired``, or make it active again, without one.

    Raises:
        LookupError: When it is not connected.
    """
    parts = [part for name, part in account.connections.get(slug, {}).items() if auth_type in (None, name)]
    if not parts:
        raise LookupError(f"{account.linked_account_id!r} is not connected to {slug!r}, or not with this auth type")
    kind = "expired" if status is ConnectionStatus.EXPIRED else "recovered"
    for part in parts:
        record(world, kind, account, slug, auth_type=part.auth_type, before=part.status.value, after=status.value)
        part.status, part.updated_at = status, world.now
    if status is ConnectionStatus.EXPIRED:
        notifications.emit_connection(world, account, slug, "Connection Expired")


def record(world: World, kind: str, account: Account, slug: str, **detail: Any) -> None:
    """Record an effect on one account's connection or configs of an application."""
    world.ledger.record_effect(
        kind,
        at=iso(world.now),
        environment=account.environment.value,
        linked_account_id=account.linked_account_id,
        slug=slug,
        **detail,
    )


def web_address(address: str | None) -> str | None:
    """Return the address to which the customer returns, if there is one.

    Raises:
        Refusal: 400 unless it is http or https with a host.
    """
    if address is None:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        raise bad_request("redirect_url must be a web address.") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise bad_request("redirect_url must be a web address.")
    return address


def _identifier(account: Account, application: Application) -> Any:
    person = f"{account.linked_account_id}@{application.slug}.example.com"
    if application.identifier == "string":
        return person
    return {"username": person, "org": application.slug} if application.identifier == "object" else None
