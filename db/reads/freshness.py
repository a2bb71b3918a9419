"""Freshness: when a row of the mirror was last known to agree with Cobalt."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, exists

from cobalt_mirror.db import tables
from cobalt_mirror.db.passes import read_last_pass, select_last_pass
from cobalt_mirror.db.statuses import AccountStatus, SuspicionKind, SuspicionOutcome


def doubts(account: ColumnElement[Any], slug: ColumnElement[Any]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return the columns from which freshness follows: the last pass, and whether it left the subject in doubt."""
    s = tables.suspicions.c
    left = exists().where(
        s.linked_account_id == account,
        s.slug == slug,
        s.outcome == SuspicionOutcome.LEFT,
        s.kind != SuspicionKind.CONFIGS,
    )
    return select_last_pass().label("last_pass"), left.label("in_doubt")


#: Accounts of these statuses are not compared by a pass, nor are those that the mirror does not know.
_NOT_COMPARED = frozenset({AccountStatus.PENDING, AccountStatus.DELETED, None})


def with_fresh_at(row: Mapping[Any, Any], compared: str) -> dict[str, Any]:
    """Return a row with `fresh_at` instead of the columns of `doubts`."""
    values = by_name(row)
    passed = getattr(read_last_pass(values.pop("last_pass")), compared)
    is_compared = not values.pop("in_doubt") and values["status"] not in _NOT_COMPARED
    moments = [values["verified_at"], passed if is_compared else None]
    return {**values, "fresh_at": max((moment for moment in moments if moment is not None), default=None)}


def by_name(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row as a plain dictionary."""
    return {str(name): value for name, value in row.items()}
