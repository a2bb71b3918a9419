"""The full state as rows, in the form of a mirror, so that the two can be compared."""

from typing import Any

from cobalt_mirror.cobalt.sandbox import accounts, applications, config_values, fields
from cobalt_mirror.cobalt.sandbox.state import Account, ConnectedAccount, Environment, World, iso


def take(
    world: World, *, environment: Environment | None, linked_account_id: str | None, secrets: bool
) -> dict[str, Any]:
    """Return all rows, or those of one environment or account, in the order of their keys."""
    chosen = [
        account
        for its_environment, accounts in world.accounts.items()
        for account in accounts.values()
        if environment in (None, its_environment) and linked_account_id in (None, account.linked_account_id)
    ]
    chosen.sort(key=lambda account: (account.environment.value, account.linked_account_id))
    return {
        **_rows(world, chosen, secrets=secrets),
        "applications": [
            {
                "slug": slug,
                "name": application.name,
                "kind": application.kind.value,
                "type": application.type,
                "app_id": application.app_id,
                "enabled": slug not in world.disabled,
            }
            for slug, application in sorted(world.applications.items())
        ],
    }


def of_account(world: World, account: Account) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of one account, without secrets."""
    return _rows(world, [account], secrets=False)


def _rows(world: World, chosen: list[Account], *, secrets: bool) -> dict[str, list[dict[str, Any]]]:
    return {
        "accounts": [_account(account, secrets=secrets) for account in chosen],
        "connections": [row for account in chosen for row in _connections(account, secrets=secrets)],
        "configs": [row for account in chosen for row in _configs(world, account, secrets=secrets)],
    }


def _key(account: Account) -> dict[str, Any]:
    return {"environment": account.environment.value, "linked_account_id": account.linked_account_id}


def _account(account: Account, *, secrets: bool) -> dict[str, Any]:
    row = {
        **_key(account),
        "name": account.name,
        "udf": accounts.udf_values(account),
        "has_credentials": bool(account.credentials),
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
    }
    if secrets:
        row["auth_credentials"] = dict(account.credentials)
    return row


def _connections(account: Account, *, secrets: bool) -> list[dict[str, Any]]:
    return [
        {
            **_key(account),
            "slug": slug,
            "status": "reauth_required" if integration.is_expired else "connected",
            "created_at": iso(integration.created_at),
            "accounts": [_connected_account(part, secrets=secrets) for _, part in sorted(integration.parts.items())],
        }
        for slug, integration in sorted(account.connections.items())
    ]


def _connected_account(part: ConnectedAccount, *, secrets: bool) -> dict[str, Any]:
    return {
        "identifier": part.identifier,
        "auth_type": part.auth_type,
        "connected_at": iso(part.connected_at),
        "created_at": iso(part.created_at),
        "status": part.status.value,
        **applications.several_fields(part),
        **({"credentials": dict(part.credentials)} if secrets else {}),
    }


def _configs(world: World, account: Account, *, secrets: bool) -> list[dict[str, Any]]:
    return [
        {
            **_key(account),
            "slug": slug,
            "config_id": config_id,
            "connection_id": connection_id,
            "labels": config.labels,
            **config_values.summary(world.applications[slug], config, secrets=secrets),
            "field_errors": fields.errors(world.applications[slug], config),
        }
        for (slug, config_id, connection_id), config in sorted(account.configs.items())
    ]
