"""The calls to Cobalt. Only this module writes the table `calls`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CTE, Connection, bindparam, insert, select, true
from sqlalchemy.sql.dml import Insert

from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.recordset import rows_of
from cobalt_mirror.db.statuses import AccountStatus, CallOutcome
from cobalt_mirror.db.tables import calls, linked_accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCall:
    """One call, and what it came to.

    Attributes:
        made_at: when.
        connection_id: the connection that it named; None: none.
        method: of the request.
        path: with a name in place of each id.
        status: of the answer; None: no complete answer came.
        took_ms: how long it took, in milliseconds, after the wait for the governor.
        waited_ms: how long it waited for the governor.
        request_id: Cobalt's name for it, if the answer has one.
        outcome: what it came to.
    """

    made_at: datetime
    connection_id: str | None
    method: str
    path: str
    status: int | None
    took_ms: int
    waited_ms: int
    request_id: str | None
    outcome: CallOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCalls:
    """The calls of one attempt, or calls that belong together otherwise.

    Attributes:
        linked_account_id: the account; empty: they are about no single one.
        slug: the application; empty: the account itself, or none.
        attempt: the attempt's id, or another that only these calls have.
        because: what they were for, as the history says it.
        calls: at least one.
    """

    linked_account_id: str
    slug: str
    attempt: str
    because: Mapping[str, Any]
    calls: Sequence[MadeCall]

    @property
    def shared(self) -> dict[str, Any]:
        """The columns that are the same for each call."""
        key = {"linked_account_id": self.linked_account_id, "slug": self.slug}
        return {**key, "attempt": self.attempt, "because": dict(self.because)}


_COLUMNS = tuple(MadeCall.__dataclass_fields__)
_APPEND = calls.insert().inline()  # the new rows' numbers are of no use to a writer


def _columns_of(call: MadeCall) -> dict[str, Any]:
    return {name: getattr(call, name) for name in _COLUMNS}


def parameters_of(made: MadeCalls) -> dict[str, Any]:
    """Return the parameters of `insert_beside`."""
    rows = [{**_columns_of(call), "made_at": stored_time(call.made_at)} for call in made.calls]
    return {**made.shared, "calls": rows}


@cache
def insert_beside(condition: CTE) -> Insert:
    """Return an INSERT of calls for a WITH of a statement that is made anyway, so that it costs no round trip.

    INSERT INTO calls (...) SELECT :linked_account_id, ..., call.* FROM condition,
    jsonb_to_recordset(:calls) AS call (made_at timestamptz, ...)

    Args:
        condition: another part of the WITH; without a row of its, no call is inserted.
    """
    rows = rows_of(calls, _COLUMNS, parameter="calls")
    shared = [bindparam(name, type_=calls.c[name].type) for name in ("linked_account_id", "slug", "attempt", "because")]
    selected = select(*shared, *(rows.c[name] for name in _COLUMNS)).select_from(condition.join(rows, true()))
    names = ["linked_account_id", "slug", "attempt", "because", *_COLUMNS]
    return insert(calls).from_select(names, selected)


def record_calls(connection: Connection, made: MadeCalls) -> None:
    """Record the calls of an attempt."""
    connection.execute(_APPEND, [{**made.shared, **_columns_of(call)} for call in made.calls])


def record_unless_deleted(connection: Connection, made: MadeCalls) -> None:
    """Record calls that are not saved with an attempt, unless the account was deleted meanwhile."""
    status = select(linked_accounts.c.status).where(linked_accounts.c.linked_account_id == made.linked_account_id)
    if connection.execute(status).scalar_one_or_none() is not AccountStatus.DELETED:
        record_calls(connection, made)
