"""Compare an account in Cobalt's listing with the mirror. A difference is only a suspicion: a read decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.columns import storable, stored_time
from cobalt_mirror.db.listing import Known, KnownConnection
from cobalt_mirror.db.rows import AccountColumns, AccountRow, ConnectionColumns
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, SuspicionKind
from cobalt_mirror.db.suspicions import Suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One connection in the listing; several auth types of an application are one connection."""

    slug: str
    needs_reauth: bool
    created_at: datetime | None

    @property
    def status(self) -> ConnectionStatus:
        """The connection's status in the mirror's terms."""
        return ConnectionStatus.REAUTH_REQUIRED if self.needs_reauth else ConnectionStatus.CONNECTED


def listed_connections(account: LinkedAccount) -> dict[str, Listed] | None:
    """Return the account's connections by slug; None if the listing leaves them out, which does not mean none."""
    if account.integrations is None:
        return None
    by_slug: dict[str, Listed] = {}
    for integration in account.integrations:
        before = by_slug.get(integration.type)
        times = [integration.created_at, before.created_at if before else None]
        by_slug[integration.type] = Listed(
            slug=integration.type,
            needs_reauth=integration.reauth_required or (before is not None and before.needs_reauth),
            created_at=min((moment for moment in times if moment is not None), default=None),
        )
    return by_slug


def compare(account: LinkedAccount, mirrored: Known) -> Iterator[Suspicion]:
    """Yield a suspicion for each subject on which listing and mirror disagree.

    A deleted account that is still listed is suspected too, so that its receipt can note it; its connections are not.
    """
    row = mirrored.account
    if row is None:
        return
    is_deleted = row.status is AccountStatus.DELETED
    differences = ["status"] if is_deleted else [*_account_differences(account, row)]
    if differences:
        yield Suspicion(
            linked_account_id=account.linked_account_id, slug="", kind=SuspicionKind.CHANGED, differences=differences
        )
    listed = listed_connections(account)
    if listed is not None and not is_deleted:
        yield from _compare_connections(account.linked_account_id, listed, mirrored.connections)


def _account_differences(account: LinkedAccount, row: AccountRow) -> Iterator[str]:
    if row.status is not AccountStatus.ACTIVE:
        yield "status"
    if (account.name is not None or "name" in account.raw) and _differs(account.name, row.name):
        yield "name"
    if (account.udf is not None or "udf" in account.raw) and _differs(account.udf or {}, row.udf or {}):
        yield "udf"
    if account.environment is not None and account.environment != row.environment:
        yield "environment"


def _differs(listed: Any, mirrored: Any) -> bool:
    """Return whether the listed value would be stored differently. The first comparison is cheap and mostly decides."""
    return bool(listed != mirrored and storable(listed) != mirrored)


def _compare_connections(
    account: str, listed: Mapping[str, Listed], mirrored: Mapping[str, KnownConnection]
) -> Iterator[Suspicion]:
    for slug, connection in listed.items():
        differences = list(_connection_differences(connection, mirrored.get(slug)))
        if differences:
            yield Suspicion(
                linked_account_id=account,
                slug=slug,
                kind=SuspicionKind.CHANGED,
                differences=differences,
                listed_created_at=connection.created_at,
            )
    for slug, row in mirrored.items():
        if slug not in listed and row.status is not ConnectionStatus.DISCONNECTED:
            yield Suspicion(linked_account_id=account, slug=slug, kind=SuspicionKind.GONE, differences=["status"])


def _connection_differences(connection: Listed, row: KnownConnection | None) -> Iterator[str]:
    if row is None or row.status is not connection.status:
        yield "status"
    if row is None or row.status is ConnectionStatus.DISCONNECTED or connection.created_at is None:
        return
    # For a connection with several auth types, or one that was connected again, the listing shows another time than
    # the connection itself. The time that it showed when it was last compared is therefore no difference.
    if connection.created_at in {row.connected_at, row.listed_created_at}:
        return
    if stored_time(connection.created_at) not in {account.get("connected_at") for account in row.accounts or ()}:
        yield "connected_at"


def adopted_rows(account: LinkedAccount, environment: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rows for a new account and its connections, from the listing alone.

    What the listing leaves out is unknown (NULL), not empty, and nothing counts as read.
    """
    columns: AccountColumns = {
        "status": AccountStatus.ACTIVE,
        "name": account.name,
        "udf": account.udf,
        "environment": account.environment or environment,
    }
    key = {"linked_account_id": account.linked_account_id}
    connection_rows = []
    for slug, connection in (listed_connections(account) or {}).items():
        status: ConnectionColumns = {"status": connection.status, "connected_at": connection.created_at}
        connection_rows.append({**key, "slug": slug, **status, "accounts": None})
    return {**key, **columns}, connection_rows
