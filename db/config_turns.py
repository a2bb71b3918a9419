"""Whose turn it is to have its configs read by a reconciliation, and when that happened last."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select, true, union

from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus, SuspicionKind
from cobalt_mirror.db.suspicions import suspect
from cobalt_mirror.db.tables import applications, checks, configs, connections, linked_accounts, looks, suspicions


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Which connections a run has read with their configs, beside those of accounts in doubt.

    Attributes:
        share: this share of all, those that were read the longest ago first.
        read_before: also all that were last read before this moment; None: no others.
    """

    share: float
    read_before: datetime | None = None


def want_configs(connection: Connection, run_id: str, turn: Turn) -> None:
    """Have the configs read of every account that is in doubt, and of the connections whose turn it is.

    One that could not be read lately is left to the workers, who go on trying: it would be first in every run, and many
    of its kind would keep the others from their turn. For the same reason only a share of 1 includes what is connected
    to an application that is not enabled: it cannot be read.
    """
    doubted = exists().where(
        suspicions.c.run_id == run_id,
        suspicions.c.kind.in_([SuspicionKind.CHANGED, SuspicionKind.GONE]),
        suspicions.c.linked_account_id == _SUBJECTS.c.linked_account_id,
    )
    suspect(connection, run_id, SuspicionKind.CONFIGS, _subjects(and_(doubted, ~_is_disabled())))
    is_wanted = true() if turn.share >= 1 else and_(~_is_tried_again(), ~_is_disabled())
    number = connection.execute(select(func.count()).select_from(_SUBJECTS)).scalar_one()
    wanted = math.ceil(number * turn.share)
    if wanted:
        oldest_first = (looks.c.looked_at.asc().nulls_first(), _SUBJECTS.c.linked_account_id, _SUBJECTS.c.slug)
        suspect(connection, run_id, SuspicionKind.CONFIGS, _subjects(is_wanted).order_by(*oldest_first).limit(wanted))
    if turn.read_before is not None:
        is_late = and_(is_wanted, looks.c.looked_at < turn.read_before)
        suspect(connection, run_id, SuspicionKind.CONFIGS, _subjects(is_late))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReads:
    """How far the configs of connections are read by reconciliations.

    Attributes:
        total: number of connections that may have configs.
        read: those of them that were read since the moment that was asked for.
        never: those that were never read.
        oldest_at: when the one that was read the longest ago was read; None: none was read.
    """

    total: int
    read: int
    never: int
    oldest_at: datetime | None


def count_config_reads(
    connection: Connection, *, since: datetime | None = None, linked_account_id: str | None = None
) -> ConfigReads:
    """Count the connections of active accounts, or of one account, by when their configs were last read."""
    is_its = true() if linked_account_id is None else _SUBJECTS.c.linked_account_id == linked_account_id
    looked_at = looks.c.looked_at
    is_read = looked_at.is_not(None) if since is None else looked_at >= since
    statement = _subjects(is_its).with_only_columns(
        func.count(),
        func.count(case((is_read, 1))),
        func.count(case((looked_at.is_(None), 1))),
        func.min(looked_at, type_=looked_at.type),
    )
    total, read, never, oldest_at = connection.execute(statement).one()
    return ConfigReads(total=total, read=read, never=never, oldest_at=oldest_at)


def _is_tried_again() -> ColumnElement[bool]:
    is_its = and_(checks.c.linked_account_id == _SUBJECTS.c.linked_account_id, checks.c.slug == _SUBJECTS.c.slug)
    return exists().where(is_its, checks.c.attempts > 0)


def _is_disabled() -> ColumnElement[bool]:
    return exists().where(applications.c.slug == _SUBJECTS.c.slug, applications.c.enabled.is_(False))


def _connected_or_configured() -> Any:
    """Select every connection that may have configs."""
    c, f = connections.c, configs.c
    return union(
        select(c.linked_account_id, c.slug).where(c.status != ConnectionStatus.DISCONNECTED),
        select(f.linked_account_id, f.slug).where(f.status == ConfigStatus.INSTALLED),
    ).subquery("subjects")


_SUBJECTS = _connected_or_configured()


def _subjects(condition: ColumnElement[bool]) -> Select[Any]:
    is_its = and_(looks.c.linked_account_id == _SUBJECTS.c.linked_account_id, looks.c.slug == _SUBJECTS.c.slug)
    a = linked_accounts.c
    is_active = exists().where(a.linked_account_id == _SUBJECTS.c.linked_account_id, a.status == AccountStatus.ACTIVE)
    joined = _SUBJECTS.outerjoin(looks, is_its)
    return select(_SUBJECTS.c.linked_account_id, _SUBJECTS.c.slug).select_from(joined).where(is_active, condition)
