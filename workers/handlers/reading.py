"""What a read of an application says of its connection, in the mirror's terms."""

from collections.abc import Sequence
from typing import Any

from cobalt_mirror.cobalt import AccountIntegration, ConnectedAccount, LinkedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.rows import ConnectionColumns
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.workers.handlers.findings import Findings
from cobalt_mirror.workers.handlers.loaded import Loaded
from cobalt_mirror.workers.slugs import CUSTOM, is_of


def found_connected(findings: Findings, accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> None:
    """Note what is connected; what never was connected gets no row."""
    if accounts or findings.connection is not None:
        findings.found_connection(connection_columns(accounts, needs_reauth=needs_reauth))


def read_in_account(loaded: Loaded, account: LinkedAccount, findings: Findings) -> None:
    """Note what the account's own answer says of a connection whose application is not enabled and cannot be read.

    It says whether it is connected and works, and nothing of its accounts and configs. Those stay as they are.
    """
    integrations = find_integrations(account, slug=loaded.slug, app_id=loaded.app_id)
    if integrations is None:
        return
    if not integrations:
        found_connected(findings, [])
        findings.configs_deleted()
        return
    needs_reauth = any(integration.reauth_required for integration in integrations)
    status = ConnectionStatus.REAUTH_REQUIRED if needs_reauth else ConnectionStatus.CONNECTED
    if findings.connection is None or findings.connection.status is not status:
        findings.found_connection({"status": status})


def find_integrations(account: LinkedAccount, *, slug: str, app_id: str | None) -> list[AccountIntegration] | None:
    """Find what an account's answer shows of an application.

    Args:
        account: the account as Cobalt shows it.
        slug: the application.
        app_id: its id in the catalogue; None: not known.

    Returns:
        None: it cannot be told, because the answer leaves the integrations out, or because it shows a custom
        application that may be this one.
    """
    if account.integrations is None:
        return None
    if slug == CUSTOM:  # no application has this slug; earlier versions recorded every custom one under it
        return []
    found = [each for each in account.integrations if is_of(each, slug=slug, app_id=app_id)]
    is_unclear = not found and app_id is None and any(each.type == CUSTOM for each in account.integrations)
    return None if is_unclear else found


def connection_columns(accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> ConnectionColumns:
    """Return a connection as the mirror holds it: connected only while every account of it works."""
    expired = needs_reauth or any(account.status != "active" for account in accounts)
    if not accounts:
        status = ConnectionStatus.DISCONNECTED
    else:
        status = ConnectionStatus.REAUTH_REQUIRED if expired else ConnectionStatus.CONNECTED
    return {
        "status": status,
        "accounts": [_account(account) for account in accounts],
        "connected_at": max((account.connected_at for account in accounts if account.connected_at), default=None),
    }


def _account(account: ConnectedAccount) -> dict[str, Any]:
    plain = {
        "identifier": account.identifier,
        "auth_type": account.auth_type,
        "connected_at": stored_time(account.connected_at),
        "status": account.status,
    }
    if account.connection_id is None:
        return plain
    return {
        **plain,
        "connection_id": account.connection_id,
        "auth_profile_id": account.auth_profile_id,
        "auth_profile_name": account.auth_profile_name,
        "user_defined_fields": account.user_defined_fields,
    }
