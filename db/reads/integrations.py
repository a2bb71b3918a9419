"""Every application as one customer sees it: to be connected, connected, or to be connected again."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from sqlalchemy import BindParameter, Select, and_, bindparam, case, select

from cobalt_mirror.db import tables
from cobalt_mirror.db.engine import HostSession, execute
from cobalt_mirror.db.reads.freshness import doubts, with_fresh_at
from cobalt_mirror.db.statuses import (
    ConnectionStatus,
)


class State(StrEnum):
    """What a page offers for an application: connect it, show it as connected, or ask to connect it again."""

    CONNECT = "connect"
    CONNECTED = "connected"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One application as one customer sees it. Show Cobalt's name and icon: some providers insist on theirs.

    Attributes:
        auth_types: each way to connect it, with the inputs that a form needs.
        connected: how many accounts it is connected with; None: not known yet.
        needs_attention: how many of them the customer has to connect again; None: not known yet.
        connected_at: when it was connected last; None when it is not.
        verified_at: when Cobalt was last asked about the connection itself; None when it never was.
        fresh_at: when the state is known to have agreed with Cobalt: the later of `verified_at` and the start of the
            last complete reconciliation, unless that left it in doubt. None: not known.
    """

    slug: str
    name: str
    icon: str | None
    description: str | None
    tags: Sequence[str]
    auth_types: Sequence[Mapping[str, Any]]
    state: State
    connected: int | None
    needs_attention: int | None
    connected_at: datetime | None
    verified_at: datetime | None
    fresh_at: datetime | None = None


def integrations(session: HostSession, linked_account_id: str) -> list[Integration]:
    """List every enabled application for one customer, by name; also if the mirror does not know the customer yet."""
    rows = execute(session, _integrations(), {"account": linked_account_id}).mappings().all()
    listed = []
    for row in rows:
        values = with_fresh_at(row, "connections")
        del values["status"]
        counts = _counts(values.pop("connection"), values.pop("accounts"))
        listed.append(Integration(**{**values, **counts, "state": State(values["state"])}))
    return sorted(listed, key=lambda each: (each.name.casefold(), each.slug))  # databases disagree about letters


def find_state(session: HostSession, linked_account_id: str, slug: str) -> State | None:
    """Find what a page offers one customer for one application; None: the catalogue does not have it."""
    a, c = tables.applications.c, tables.connections.c
    is_its = and_(c.slug == a.slug, c.linked_account_id == linked_account_id)
    joined = tables.applications.outerjoin(tables.connections, is_its)
    statement = select(c.status).select_from(joined).where(a.slug == slug, a.enabled)
    row = execute(session, statement).one_or_none()
    if row is None:
        return None
    return State.CONNECT if row.status is None else _state_of(row.status)


def _counts(connection: ConnectionStatus | None, accounts: Sequence[Mapping[str, Any]] | None) -> dict[str, int | None]:
    """Count as the view does."""
    if connection is None:
        return {"connected": 0, "needs_attention": 0}
    if accounts is None:
        return {"connected": None, "needs_attention": None}
    expired = sum(account.get("status") != "active" for account in accounts)
    return {"connected": len(accounts), "needs_attention": expired}


def _state_of(status: ConnectionStatus) -> State:
    """Return what a page offers for a connection of this status. Without a connection, it offers to connect."""
    match status:
        case ConnectionStatus.CONNECTED:
            return State.CONNECTED
        case ConnectionStatus.REAUTH_REQUIRED:
            return State.RECONNECT
        case ConnectionStatus.DISCONNECTED:
            return State.CONNECT
    assert_never(status)


@functools.cache  # a page waits for it, and building it took a quarter of that time
def _integrations() -> Select[Any]:
    a, c = tables.applications, tables.connections
    state = case(
        *((c.c.status == status, _state_of(status).value) for status in ConnectionStatus),
        else_=State.CONNECT.value,
    )
    columns = [a.c.slug, a.c.name, a.c.icon, a.c.description, a.c.tags, a.c.auth_types]
    account = tables.linked_accounts.c
    account_id: BindParameter[str] = bindparam("account")
    status = select(account.status).where(account.linked_account_id == account_id).scalar_subquery()
    return (
        select(*columns, state.label("state"), c.c.connected_at, c.c.verified_at)
        .add_columns(c.c.status.label("connection"), c.c.accounts)
        .add_columns(*doubts(account_id, a.c.slug), status.label("status"))
        .select_from(a.outerjoin(c, and_(c.c.slug == a.c.slug, c.c.linked_account_id == account_id)))
        .where(a.c.enabled)
    )
