"""What a read of an application says of its connection, in the mirror's terms."""

from collections.abc import Sequence
from typing import Any

from cobalt_mirror.cobalt import ConnectedAccount
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.rows import ConnectionColumns
from cobalt_mirror.db.statuses import ConnectionStatus
from cobalt_mirror.workers.handlers.findings import Findings


def found_connected(findings: Findings, accounts: Sequence[ConnectedAccount], *, needs_reauth: bool = False) -> None:
    """Note what is connected; what never was connected gets no row."""
    if accounts or findings.connection is not None:
        findings.found_connection(connection_columns(accounts, needs_reauth=needs_reauth))


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
