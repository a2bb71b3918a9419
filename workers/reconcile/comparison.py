"""Compare an account in Cobalt's listing with the mirror. A difference is only a suspicion: a read decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.columns import storable
from cobalt_mirror.db.listing import Known, KnownConnection
from cobalt_mirror.db.rows import AccountColumns, AccountRow, ConnectionColumns
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, SuspicionKind
from cobalt_mirror.db.suspicions import Suspicion
from cobalt_mirror.workers.reconcile.mapping import unmapped
from cobalt_mirror.workers.slugs import CUSTOM, Slugs


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One connection in the listing; several connected accounts of an application are one connection.

    Attributes:
        created_at: When the last of them was first connected; None if the listing does not say.
    """

    slug: str
    needs_reauth: bool
    created_at: datetime | None

    @property
    def status(self) -> ConnectionStatus:
        """The connection's status in the mirror's terms."""
        return ConnectionStatus.REAUTH_REQUIRED if self.needs_reauth else ConnectionStatus.CONNECTED


def listed_connections(account: LinkedAccount, slugs: Slugs) -> dict[str, Listed] | None:
    """Return the account's connections by slug; None if the listing leaves them out, which does not mean none.

    Those whose slug is not known are not among them; see `unmapped`.
    """
    if account.integrations is None:
        return None
    by_slug: dict[str, Listed] = {}
    for integration in account.integrations:
        slug = slugs.find(integration)
        if slug is None:
            continue
        before = by_slug.get(slug)
        times = [integration.created_at, before.created_at if before else None]
        by_slug[slug] = Listed(
            slug=slug,
            needs_reauth=integration.reauth_required or (before is not None and before.needs_reauth),
            created_at=max((moment for moment in times if moment is not None), default=None),
        )
    return by_slug


def compare(account: LinkedAccount, mirrored: Known, slugs: Slugs) -> Iterator[Suspicion]:
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
    listed = listed_connections(account, slugs)
    if listed is not None and not is_deleted:
        yield from _compare_connections(account.linked_account_id, listed, mirrored.connections)
        yield from _unlisted(account, listed, mirrored.connections, has_unmapped=bool(unmapped(account, slugs)))


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
            yield Suspicion(linked_account_id=account, slug=slug, kind=SuspicionKind.CHANGED, differences=differences)


def _connection_differences(connection: Listed, row: KnownConnection | None) -> Iterator[str]:
    if row is None or row.status is not connection.status:
        yield "status"
    if row is None or row.status is ConnectionStatus.DISCONNECTED:
        return
    # Renewing a token moves `connectedAt`, and so the mirror's time, beyond the listing's time of creation. That one
    # is new only when the connection was made anew, and then it is later than all that the mirror has read.
    if connection.created_at is None or row.connected_at is None:
        return
    if connection.created_at > row.connected_at:
        yield "connected_at"


def _unlisted(
    account: LinkedAccount,
    listed: Mapping[str, Listed],
    mirrored: Mapping[str, KnownConnection],
    *,
    has_unmapped: bool,
) -> Iterator[Suspicion]:
    """Yield a suspicion for each connection of the mirror that is not listed.

    It does not seem gone, and so does not count for the brake, if it may be one that is listed and not mapped, or if it
    has the slug under which earlier versions recorded every custom application.
    """
    for slug, row in mirrored.items():
        if slug not in listed and row.status is not ConnectionStatus.DISCONNECTED:
            kind = SuspicionKind.CHANGED if has_unmapped or slug == CUSTOM else SuspicionKind.GONE
            yield Suspicion(linked_account_id=account.linked_account_id, slug=slug, kind=kind, differences=["status"])


def adopted_rows(
    account: LinkedAccount, environment: str | None, slugs: Slugs
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the rows for a new account and its connections, from the listing alone.

    What the listing leaves out is unknown (NULL), not empty, and nothing counts as read. A connection whose slug is not
    known gets no row.
    """
    columns: AccountColumns = {
        "status": AccountStatus.ACTIVE,
        "name": account.name,
        "udf": account.udf,
        "environment": account.environment or environment,
    }
    key = {"linked_account_id": account.linked_account_id}
    connection_rows = []
    for slug, connection in (listed_connections(account, slugs) or {}).items():
        status: ConnectionColumns = {"status": connection.status, "connected_at": connection.created_at}
        connection_rows.append({**key, "slug": slug, **status, "accounts": None})
    return {**key, **columns}, connection_rows
