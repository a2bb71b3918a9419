"""Applications as one account sees them."""

from typing import Any

from cobalt_mirror.cobalt.sandbox.call import Call
from cobalt_mirror.cobalt.sandbox.catalogue import Application, AuthInput
from cobalt_mirror.cobalt.sandbox.messages import Refusal
from cobalt_mirror.cobalt.sandbox.settings import ConnectedWhenNot
from cobalt_mirror.cobalt.sandbox.state import Account, ConnectedAccount, ConnectionStatus, World, iso


def list_all(call: Call) -> list[dict[str, Any]]:
    """GET application."""
    account = call.account_from_header()
    filters = {name: value for name in ("slug", "tags", "auth_type") if (value := call.query(name)) is not None}
    return [
        document(call.world, account, application)
        for application in call.world.applications.values()
        if application.slug not in call.world.disabled and _matches(application, filters)
    ]


def read(call: Call) -> dict[str, Any]:
    """GET application/{slug}."""
    account = call.account_from_header()
    return document(call.world, account, enabled_application(call.world, call.slug))


def read_organisation(call: Call) -> dict[str, Any]:
    """GET org/basics: the first call of the browser SDK."""
    return {"_id": call.world.org_id, "org_id": call.world.org_id, "name": "Sandbox", "environment": call.environment}


def enabled_application(world: World, slug: str) -> Application:
    """Return the application.

    Raises:
        Refusal: 404 EXTERNAL_API_FAILURE when it is unknown or not enabled.
    """
    application = world.find_application(slug)
    if application is None:
        raise Refusal(404, "EXTERNAL_API_FAILURE", f"The application {slug!r} is not enabled.")
    return application


def document(world: World, account: Account, application: Application) -> dict[str, Any]:
    """Return an application as the API shows it to an account."""
    parts = account.connections.get(application.slug, {})
    inputs = {
        auth_type: [_input(auth_input) for auth_input in auth_inputs]
        for auth_type, auth_inputs in application.auth.items()
    }
    fields: dict[str, Any] = {
        "_id": f"app_{application.slug}",
        "app_id": f"app_{application.slug}",
        "type": application.slug,
        "slug": application.slug,
        "name": application.name,
        "icon": application.icon,
        "description": application.description,
        "tags": list(application.tags),
        "auth_type": next(iter(application.auth)),
        "auth_type_options": inputs,
        "auth_input_map": {field["name"]: field for field in inputs.get("keybased", [])},
        "connected_accounts": [_connected_account(part) for part in parts.values()],
    }
    if parts:
        fields["connected"] = True
        fields["reauth_required"] = any(part.status is ConnectionStatus.EXPIRED for part in parts.values())
    elif world.settings.connected_when_not is ConnectedWhenNot.FALSE:
        fields["connected"] = False
    return fields


def _matches(application: Application, filters: dict[str, str]) -> bool:
    return (
        filters.get("slug", application.slug) == application.slug
        and ("tags" not in filters or filters["tags"] in application.tags)
        and ("auth_type" not in filters or filters["auth_type"] in application.auth)
    )


def _input(auth_input: AuthInput) -> dict[str, Any]:
    return {
        "name": auth_input.name,
        "label": auth_input.label,
        "type": auth_input.type,
        "required": auth_input.required,
        "placeholder": auth_input.placeholder,
    }


def _connected_account(part: ConnectedAccount) -> dict[str, Any]:
    return {
        "identifier": part.identifier,
        "auth_type": part.auth_type,
        "connectedAt": iso(part.connected_at),
        "status": part.status.value,
    }
