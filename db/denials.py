"""Denials: accounts that the mirror shows and that Cobalt says it does not have."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from cobalt_mirror.db.engine import insert_into
from cobalt_mirror.db.statuses import AccountStatus
from cobalt_mirror.db.tables import denials, linked_accounts

#: So many accounts that Cobalt denies are no outage, however few there are.
FEW_DENIED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Cobalt says that it does not have an account which the mirror shows.

    Attributes:
        since: since when it says so.
        denied: how many active accounts it denies at present.
        accounts: how many accounts are active.
    """

    since: datetime
    denied: int
    accounts: int


def get_denial(connection: Connection, since: datetime) -> Denial:
    """Count what is denied at present, for an account that is."""
    denied, accounts = count_denied(connection)
    return Denial(since=since, denied=denied, accounts=accounts)


def count_denied(connection: Connection) -> tuple[int, int]:
    """Count the active accounts that Cobalt denies, and all active accounts."""
    is_active = linked_accounts.c.status == AccountStatus.ACTIVE
    is_its = denials.c.linked_account_id == linked_accounts.c.linked_account_id
    denied = select(func.count()).select_from(denials.join(linked_accounts, is_its)).where(is_active)
    accounts = select(func.count()).select_from(linked_accounts).where(is_active)
    return connection.execute(denied).scalar_one(), connection.execute(accounts).scalar_one()


def record_denial(connection: Connection, linked_account_id: str, *, since: datetime) -> None:
    """Record that Cobalt denies an account. If it does already, the earlier time stays."""
    row = {"linked_account_id": linked_account_id, "since": since}
    connection.execute(insert_into(connection, denials).on_conflict_do_nothing(), row)


def end_denial(connection: Connection, linked_account_id: str) -> None:
    """Record that an account is not in doubt any more."""
    connection.execute(delete(denials).where(denials.c.linked_account_id == linked_account_id))
