"""What a page of Cobalt's listing is compared with, and what a walk through the listing notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, null, select, update

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.db.statuses import ConfigStatus, ConnectionStatus
from cobalt_mirror.db.tables import configs, connections, linked_accounts, walked


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConnection:
    """A row in `connections`, as far as the listing can be compared with it.

    Attributes:
        connected_at: when it was connected or a token of it renewed, whichever is later; None: not known.
    """

    slug: str
    status: ConnectionStatus
    connected_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the mirror holds of one account that the listing shows.

    Attributes:
        account: the row in `linked_accounts`; None: the mirror does not know the account.
        connections: its connections by slug.
    """

    account: AccountRow | None = None
    connections: dict[str, KnownConnection] = field(default_factory=dict)


def find_known(connection: Connection, linked_account_ids: Iterable[str]) -> dict[str, Known]:
    """Read what the mirror holds of these accounts, in two SELECTs; those of which it holds nothing are left out."""
    ids = list(linked_account_ids)
    a, c = linked_accounts.c, connections.c
    rows = connection.execute(select(linked_accounts).where(a.linked_account_id.in_(ids)))
    known = {row["linked_account_id"]: Known(account=AccountRow.from_columns(row)) for row in rows.mappings()}
    wanted = select(c.linked_account_id, c.slug, c.status, c.connected_at).where(c.linked_account_id.in_(ids))
    for account_id, slug, status, connected_at in connection.execute(wanted):
        known.setdefault(account_id, Known()).connections[slug] = KnownConnection(
            slug=slug, status=ConnectionStatus(status), connected_at=connected_at
        )
    return known


def record_walked(connection: Connection, run_id: str, linked_account_ids: Iterable[str]) -> set[str]:
    """Record that the walk saw these accounts, and return those that it had not seen before."""
    return _insert_walked(
        connection, [{"run_id": run_id, "linked_account_id": account} for account in linked_account_ids]
    )


def record_unknown(connection: Connection, run_id: str, rows: Iterable[tuple[Mapping[str, Any], Any]]) -> set[str]:
    """Record what is to be adopted, once the run may change anything. The first answer of the walk counts.

    Returns:
        The accounts that the walk had not seen before.
    """
    staged = [
        {
            "run_id": run_id,
            "linked_account_id": account["linked_account_id"],
            "unknown": {
                "account": dict(account),
                "connections": [{**row, "connected_at": stored_time(row["connected_at"])} for row in connected],
            },
        }
        for account, connected in rows
    ]
    return _insert_walked(connection, staged)


def _insert_walked(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    if not rows:
        return set()
    # RETURNING makes it one statement for all rows; PostgreSQL would get one for each without it.
    statement = insert_into(connection, walked).on_conflict_do_nothing().returning(walked.c.linked_account_id)
    return set(connection.execute(statement, list(rows)).scalars())


def take_unknown(connection: Connection, run_id: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """Take some of what is still to be adopted, and return the `account` and the `connections` of each."""
    w = walked.c
    wanted = select(w.linked_account_id, w.unknown).where(w.run_id == run_id, w.unknown.is_not(None))
    rows = connection.execute(wanted.order_by(w.linked_account_id).limit(limit)).all()
    ids = [row.linked_account_id for row in rows]
    connection.execute(update(walked).where(w.run_id == run_id, w.linked_account_id.in_(ids)).values(unknown=null()))
    for row in rows:
        for connected in row.unknown["connections"]:
            moment = connected["connected_at"]
            connected["connected_at"] = None if moment is None else datetime.fromisoformat(moment)
    return [row.unknown for row in rows]


def find_account_subjects(connection: Connection, linked_account_id: str, *, only_live: bool = False) -> list[str]:
    """Find the slugs of every connection and config that the mirror holds of an account.

    Args:
        connection: a transaction.
        linked_account_id: the account.
        only_live: leave out those of which the mirror shows that they are gone.
    """
    slugs: set[str] = set()
    for table, gone in ((connections, ConnectionStatus.DISCONNECTED), (configs, ConfigStatus.DELETED)):
        statement = select(table.c.slug).where(table.c.linked_account_id == linked_account_id).distinct()
        if only_live:
            statement = statement.where(table.c.status != gone)
        slugs.update(connection.execute(statement).scalars())
    return sorted(slugs)
