"""Applications as one account sees them."""

from typing import Any

from cobalt_mirror.cobalt.sandbox.call import Call
from cobalt_mirror.cobalt.sandbox.catalogue import Application, AuthInput
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.settings import ConnectedWhenNot
from cobalt_mirror.cobalt.sandbox.state import Account, ConnectedAccount, World, iso


def list_all(call: Call) -> list[dict[str, Any]]:
    """GET application."""
    account = call.account_from_header_or_query()
    filters = _filters(call, "slug", "tags", "ecosystem", "auth_type")
    return [
        document(call.world, account, application)
        for application in call.world.applications.values()
        if application.slug not in call.world.disabled and _matches(application, filters)
    ]


def read(call: Call) -> dict[str, Any]:
    """GET application/{slug}."""
    account = call.account_from_header_or_query()
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
        message = f"The application {slug!r} is not enabled."
        raise Refusal(404, "EXTERNAL_API_FAILURE", message, error_type="EXTERNAL_API_ERROR")
    return application


def document(world: World, account: Account, application: Application) -> dict[str, Any]:
    """Return an application as the API shows it to an account."""
    integration = account.connections.get(application.slug)
    inputs = {name: [_input(auth_input) for auth_input in application.inputs(name)] for name in application.auth}
    fields: dict[str, Any] = {
        "_id": application.app_id,
        "app_id": application.app_id,
        "type": application.type,
        "kind": application.kind.value,
        "slug": application.slug,
        "name": application.name,
        "icon": application.icon,
        "description": application.description,
        "tags": list(application.tags),
        "ecosystem": False,
        "auth_type": next(iter(application.auth)),
        "auth_type_options": inputs,
        "auth_input_map": inputs.get("keybased", inputs.get("oauth2", [])),
        "connected_accounts": [_connected_account(world, part) for part in account.connected(application.slug)],
        "reauth_required": integration is not None and integration.is_expired,
    }
    if application.has_multi_auth_enabled:
        fields["has_multi_auth_enabled"] = True
    if integration is not None:
        fields["connected"] = True
    elif world.settings.connected_when_not is ConnectedWhenNot.FALSE:
        fields["connected"] = False
    return fields


def _filters(call: Call, *names: str) -> dict[str, str]:
    filters = {name: value for name in names if (value := call.query(name)) is not None}
    if filters.get("ecosystem", "false") not in {"true", "false"}:
        raise bad_request("ecosystem must be true or false.")
    return filters


def _matches(application: Application, filters: dict[str, str]) -> bool:
    return (
        filters.get("ecosystem") != "true"  # the sandbox's applications are of none
        and filters.get("slug", application.slug) == application.slug
        and ("tags" not in filters or filters["tags"] in application.tags)
        and ("auth_type" not in filters or filters["auth_type"] in application.auth)
    )


def _input(auth_input: AuthInput) -> dict[str, Any]:
    """Return an input as the API shows it; a help text and options are absent if there are none."""
    seldom = {"help_text", "options"}
    return auth_input.model_dump(exclude=seldom) | auth_input.model_dump(include=seldom, exclude_defaults=True)


def _connected_account(world: World, part: ConnectedAccount) -> dict[str, Any]:
    fields: dict[str, Any] = {"identifier": part.identifier, "connectedAt": iso(part.connected_at)}
    if not world.settings.connected_accounts_bare:
        fields |= {"auth_type": part.auth_type, "status": part.status.value}
    return {**fields, **several_fields(part)}


def several_fields(part: ConnectedAccount) -> dict[str, Any]:
    """Return what tells a connected account apart where an application allows several; nothing for another one."""
    if part.connection_id is None:
        return {}
    profile = part.auth_profile
    return {
        "connection_id": part.connection_id,
        "auth_profile_id": None if profile is None else profile.id,
        "auth_profile_name": None if profile is None else profile.name,
        "user_defined_fields": dict(part.user_defined_fields),
    }
