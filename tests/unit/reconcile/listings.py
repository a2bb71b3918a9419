"""Accounts as Cobalt's listing shows them and as the mirror holds them, for tests of what the two are compared by."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.listing import Known, KnownConnection
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus
from cobalt_mirror.workers.reconcile.comparison import compare
from cobalt_mirror.workers.slugs import Slugs

CREATED = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = CREATED + timedelta(days=1)

#: The mirror's row of an account, and of its connection.
ROW = {"linked_account_id": "acme", "name": "Acme", "udf": {"plan": "pro"}, "environment": "test", "status": "active"}
CONNECTED = {"slug": "slack", "status": "connected", "connected_at": CREATED}
#: A catalogue with two custom applications.
SLUGS = Slugs(by_app_id={"app-1": "order_desk", "app-2": "warehouse"})


def listed(*integrations: dict[str, Any], **changes: Any) -> LinkedAccount:
    """The same account as the listing shows it, with these connections; a key can be "left out"."""
    document = {
        "account_id": "acme",
        "name": "Acme",
        "udf": [{"key_name": "plan", "key_value": "pro"}],
        "environment": "test",
        "integrations": list(integrations),
        **changes,
    }
    return LinkedAccount.model_validate({name: value for name, value in document.items() if value != "left out"})


def integration(
    slug: str = "slack", created_at: datetime | None = CREATED, *, needs_reauth: bool = False
) -> dict[str, Any]:
    """One connection as the listing shows it."""
    created = {} if created_at is None else {"createdAt": created_at.isoformat()}
    return {"type": slug, "reauth_required": needs_reauth, **created}


def custom(
    app_id: str | None = "app-1", created_at: datetime | None = CREATED, *, needs_reauth: bool = False
) -> dict[str, Any]:
    """One connection of a custom application as the listing shows it."""
    return {**integration("custom", created_at, needs_reauth=needs_reauth), "app_id": app_id, "name": "Order Desk"}


def account_row(**changes: Any) -> AccountRow:
    """The mirror's row of the account."""
    columns: dict[str, Any] = {**ROW, **changes}
    return AccountRow(**{**columns, "status": AccountStatus(columns["status"])})


def connection_row(**columns: Any) -> KnownConnection:
    """The mirror's row of a connection."""
    return KnownConnection(**{**columns, "status": ConnectionStatus(columns["status"])})


def suspected(account: LinkedAccount, *connections: dict[str, Any], **row: Any) -> list[tuple[str, str, list[str]]]:
    """What is suspected of the account: the application, the kind of suspicion and the columns that differ."""
    known = Known(account=account_row(**row), connections={one["slug"]: connection_row(**one) for one in connections})
    return [(one.slug, str(one.kind), list(one.differences)) for one in compare(account, known, SLUGS)]
