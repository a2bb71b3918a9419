"""Compares an account as the listing shows it with the mirror. It only raises suspicion: a read decides."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cobalt_mirror.cobalt import LinkedAccount
from cobalt_mirror.db.columns import storable, stored_time
from cobalt_mirror.db.listing import Known
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, SuspicionKind
from cobalt_mirror.db.suspicions import Suspicion


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One connection as the listing shows it; several auth types of an application are one connection."""

    slug: str
    needs_reauth: bool
    created_at: datetime | None

    @property
    def status(self) -> ConnectionStatus:
        """The status that the mirror would show."""
        return ConnectionStatus.REAUTH_REQUIRED if self.needs_reauth else ConnectionStatus.CONNECTED


def listed_connections(account: LinkedAccount) -> dict[str, Listed] | None:
    """The account's connections by slug; None: the listing does not tell, which is not the same as none."""
    if account.integrations is None:
        return None
    found: dict[str, Listed] = {}
    for one in account.integrations:
        before = found.get(one.slug)
        times = [one.created_at, before.created_at if before else None]
        found[one.slug] = Listed(
            slug=one.slug,
            needs_reauth=one.reauth_required or (before is not None and before.needs_reauth),
            created_at=min((moment for moment in times if moment is not None), default=None),
        )
    return found


def compare(account: LinkedAccount, known: Known) -> Iterator[Suspicion]:
    """Everything on which the listing and the mirror disagree.

    A deleted account that is listed all the same is looked at, so that its receipt tells; nothing else of it counts.
    """
    row = known.account
    if row is None:
        return
    is_deleted = row["status"] == AccountStatus.DELETED
    differences = ["status"] if is_deleted else [*_account_differences(account, row)]
    if differences:
        yield Suspicion(
            linked_account_id=account.linked_account_id, slug="", kind=SuspicionKind.CHANGED, differences=differences
        )
    listed = listed_connections(account)
    if listed is not None and not is_deleted:
        yield from _compare_connections(account.linked_account_id, listed, known.connections)


def _account_differences(account: LinkedAccount, row: Mapping[str, Any]) -> Iterator[str]:
    if row["status"] != AccountStatus.ACTIVE:
        yield "status"
    if (account.name is not None or "name" in account.raw) and _differs(account.name, row["name"]):
        yield "name"
    if (account.udf is not None or "udf" in account.raw) and _differs(account.udf or {}, row["udf"] or {}):
        yield "udf"
    if account.environment is not None and account.environment != row["environment"]:
        yield "environment"


def _differs(listed: Any, mirrored: Any) -> bool:
    """Whether a value would be stored as another one; seldom asked for more than the first look."""
    return bool(listed != mirrored and storable(listed) != mirrored)


def _compare_connections(
    account: str, listed: Mapping[str, Listed], known: Mapping[str, Mapping[str, Any]]
) -> Iterator[Suspicion]:
    for slug, one in listed.items():
        differences = list(_connection_differences(one, known.get(slug)))
        if differences:
            yield Suspicion(
                linked_account_id=account,
                slug=slug,
                kind=SuspicionKind.CHANGED,
                differences=differences,
                listed_created_at=one.created_at,
            )
    for slug, row in known.items():
        if slug not in listed and row["status"] != ConnectionStatus.DISCONNECTED:
            yield Suspicion(linked_account_id=account, slug=slug, kind=SuspicionKind.GONE, differences=["status"])


def _connection_differences(one: Listed, row: Mapping[str, Any] | None) -> Iterator[str]:
    if row is None or row["status"] != one.status:
        yield "status"
    if row is None or row["status"] == ConnectionStatus.DISCONNECTED or one.created_at is None:
        return
    # Of a connection with several auth types, or one that was connected again, the listing tells another time than
    # the connection itself. What it told at the last look is no difference, then.
    if one.created_at in {row["connected_at"], row["listed_created_at"]}:
        return
    if stored_time(one.created_at) not in {each.get("connected_at") for each in row["accounts"] or ()}:
        yield "connected_at"


def adopted_rows(account: LinkedAccount, environment: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The rows of an account that only the listing is known of, and of its connections.

    What the listing does not tell is unknown (NULL), not empty; nothing of it counts as read.
    """
    row = {
        "linked_account_id": account.linked_account_id,
        "status": AccountStatus.ACTIVE,
        "name": account.name,
        "udf": account.udf,
        "environment": account.environment or environment,
    }
    listed = listed_connections(account) or {}
    key = {"linked_account_id": account.linked_account_id}
    shown = [
        {**key, "slug": one.slug, "status": one.status, "accounts": None, "connected_at": one.created_at}
        for one in listed.values()
    ]
    return row, shown
