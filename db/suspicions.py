"""Suspicions of a run of the reconciliation: subjects to be read before anything is believed of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from cobalt_mirror.db.columns import Json
from cobalt_mirror.db.engine import insert_into, upsert
from cobalt_mirror.db.statuses import AccountStatus, ConnectionStatus, SuspicionKind, SuspicionOutcome
from cobalt_mirror.db.tables import (
    connections,
    linked_accounts,
    looks,
    suspicions,
    walked,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """One subject to be read.

    Attributes:
        slug: the application; empty: the account itself.
        differences: the columns on which listing and mirror disagree.
    """

    linked_account_id: str
    slug: str
    kind: SuspicionKind
    differences: Sequence[str] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Account and slug."""
        return self.linked_account_id, self.slug


def record_suspicions(connection: Connection, run_id: str, raised: Iterable[Suspicion]) -> None:
    """Record subjects to be read; what was recorded before stays."""
    rows = [
        {
            "run_id": run_id,
            "linked_account_id": suspicion.linked_account_id,
            "slug": suspicion.slug,
            "kind": suspicion.kind,
            "differences": list(suspicion.differences),
        }
        for suspicion in raised
    ]
    if rows:
        connection.execute(insert_into(connection, suspicions).on_conflict_do_nothing(), rows)


def suspect_missing(
    connection: Connection, run_id: str, *, walking_since: datetime, verified_before: datetime | None = None
) -> None:
    """Suspect the active accounts that the walk did not see and that were not read since it began.

    Args:
        connection: the transaction.
        run_id: the run, its walk complete.
        walking_since: when the walk began.
        verified_before: only accounts that were read before this, or never. None: any.
    """
    a = linked_accounts.c
    read_before = walking_since if verified_before is None else min(walking_since, verified_before)
    seen = exists().where(walked.c.run_id == run_id, walked.c.linked_account_id == a.linked_account_id)
    unseen = and_(a.status == AccountStatus.ACTIVE, _not_read_since(linked_accounts.c.verified_at, read_before), ~seen)
    suspect(
        connection, run_id, SuspicionKind.MISSING, select(a.linked_account_id, literal("")).where(unseen), ["status"]
    )


def suspect(
    connection: Connection, run_id: str, kind: SuspicionKind, subjects: Select[Any], differences: Sequence[str] = ()
) -> None:
    """Suspect subjects, given as a SELECT of their accounts and slugs; what was recorded before stays."""
    rows = subjects.add_columns(
        literal(run_id), literal(kind, suspicions.c.kind.type), literal(list(differences), Json())
    )
    names = ["linked_account_id", "slug", "run_id", "kind", "differences"]
    statement = insert_into(connection, suspicions).from_select(names, rows)
    connection.execute(statement.on_conflict_do_nothing())


def _not_read_since(verified_at: ColumnElement[Any], moment: datetime) -> ColumnElement[bool]:
    return or_(verified_at.is_(None), verified_at < moment)


# --- what is suspected ------------------------------------------------------------------------------------------------


def count_suspected_gone(connection: Connection, run_id: str) -> tuple[int, int, int, int]:
    """Count accounts suspected missing, active accounts, connections suspected gone, and connections."""
    s, a, c = suspicions.c, linked_accounts.c, connections.c
    counted = [
        select(func.count()).select_from(suspicions).where(s.run_id == run_id, s.kind == SuspicionKind.MISSING),
        select(func.count()).select_from(linked_accounts).where(a.status == AccountStatus.ACTIVE),
        select(func.count()).select_from(suspicions).where(s.run_id == run_id, s.kind == SuspicionKind.GONE),
        select(func.count()).select_from(connections).where(c.status != ConnectionStatus.DISCONNECTED),
    ]
    missing, accounts, gone, mirrored = (connection.execute(statement).scalar_one() for statement in counted)
    return missing, accounts, gone, mirrored


def count_open(connection: Connection, run_id: str) -> int:
    """Count the subjects that are still to be read."""
    s = suspicions.c
    return connection.execute(
        select(func.count()).select_from(suspicions).where(s.run_id == run_id, s.outcome.is_(None))
    ).scalar_one()


def list_open(
    connection: Connection, run_id: str, *, after: tuple[str, str] | None = None, limit: int = 100
) -> list[Suspicion]:
    """List subjects that are still to be read, in the order of their keys, from after `after` on."""
    s = suspicions.c
    statement = select(suspicions).where(s.run_id == run_id, s.outcome.is_(None))
    if after is not None:
        statement = statement.where(tuple_(s.linked_account_id, s.slug) > after)
    rows = connection.execute(statement.order_by(s.linked_account_id, s.slug).limit(limit))
    return [
        Suspicion(
            linked_account_id=row.linked_account_id,
            slug=row.slug,
            kind=row.kind,
            differences=row.differences,
        )
        for row in rows
    ]


# --- what came of it --------------------------------------------------------------------------------------------------


def settle(
    connection: Connection, run_id: str, outcomes: Mapping[tuple[str, str], SuspicionOutcome], now: datetime
) -> None:
    """Record what came of suspicions, and of each connection that was read, when."""
    for (account, slug), outcome in outcomes.items():
        key = {"run_id": run_id, "linked_account_id": account, "slug": slug}
        by_key = and_(*(suspicions.c[name] == value for name, value in key.items()))
        result = connection.execute(update(suspicions).where(by_key).values(outcome=outcome))
        if result.rowcount and slug and outcome is not SuspicionOutcome.LEFT:  # none: the account was deleted meanwhile
            upsert(connection, looks, {"linked_account_id": account, "slug": slug, "looked_at": now})


def leave_open_ones(
    connection: Connection, run_id: str, *, kinds: Collection[SuspicionKind] = frozenset(SuspicionKind)
) -> int:
    """Record that this run will not read what is still to be read, and return how many subjects that are.

    Args:
        connection: the transaction.
        run_id: the run.
        kinds: only what is suspected of this.
    """
    is_open = and_(suspicions.c.run_id == run_id, suspicions.c.outcome.is_(None), suspicions.c.kind.in_(kinds))
    return connection.execute(update(suspicions).where(is_open).values(outcome=SuspicionOutcome.LEFT)).rowcount


def forget_settled(connection: Connection, run_id: str) -> None:
    """Delete the suspicions of what was read. Those of what was left stay, for it is in doubt."""
    settled = [SuspicionOutcome.REPAIRED, SuspicionOutcome.AGREED]
    connection.execute(delete(suspicions).where(suspicions.c.run_id == run_id, suspicions.c.outcome.in_(settled)))


def forget_suspicions(connection: Connection, run_id: str) -> None:
    """Delete every suspicion of a run."""
    connection.execute(delete(suspicions).where(suspicions.c.run_id == run_id))
