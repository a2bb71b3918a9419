"""What a change of the mirror's row is in the change feed. Plain values in, plain values out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, assert_never

from sqlalchemy import Table

from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.statuses import AccountStatus, ChangeType, ConfigStatus, ConnectionStatus
from cobalt_mirror.db.tables import configs, connections, linked_accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry of the feed that has no position yet."""

    type: ChangeType
    linked_account_id: str | None = None
    slug: str | None = None
    connection_id: str | None = None
    config_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


#: A row of the mirror, or as much of it as is known.
Row: TypeAlias = Mapping[str, Any]


def entries_of(table: Table, before: Row | None, after: Row) -> list[NewEntry]:
    """Return the entries of the feed that a change of a row is: none, one or several.

    Args:
        table: one of the mirror's tables.
        before: the row before the change; None: there was none.
        after: the row after it.
    """
    if table is linked_accounts:
        return list(_of_account(before, after))
    if table is connections:
        return list(_of_connection(before, after))
    return list(_of_config(before, after)) if table is configs else []


# --- accounts ---------------------------------------------------------------------------------------------------------

#: While an account has one of these, it is the same account.
_LIVE = frozenset({AccountStatus.ACTIVE, AccountStatus.MISSING})


def _of_account(before: Row | None, after: Row) -> Iterator[NewEntry]:
    account = after["linked_account_id"]
    was, is_ = None if before is None else AccountStatus(before["status"]), AccountStatus(after["status"])
    type_ = None if is_ is was else _account_type(is_)
    if type_ is not None:
        yield NewEntry(type=type_, linked_account_id=account, data=_from_to(was, is_))
    if before is not None and {was, is_} <= _LIVE and before.get("name") != after.get("name"):
        data = _from_to(before.get("name"), after.get("name"))
        yield NewEntry(type=ChangeType.ACCOUNT_RENAMED, linked_account_id=account, data=data)


def _account_type(status: AccountStatus) -> ChangeType | None:
    match status:
        case AccountStatus.PENDING:  # nothing of it is at Cobalt yet
            return None
        case AccountStatus.ACTIVE:
            return ChangeType.ACCOUNT_CREATED
        case AccountStatus.MISSING:
            return ChangeType.ACCOUNT_MISSING
        case AccountStatus.DELETED:
            return ChangeType.ACCOUNT_DELETED
    assert_never(status)


# --- connections ------------------------------------------------------------------------------------------------------


class Link(NamedTuple):
    """What tells the connected accounts of an application apart. Empty: not known."""

    connection_id: str | None = None
    auth_type: str | None = None


NOT_KNOWN = Link()


def _of_connection(before: Row | None, after: Row) -> Iterator[NewEntry]:
    earlier, later = links_of(before), links_of(after)
    if NOT_KNOWN in earlier or NOT_KNOWN in later:  # the listing says only whether all of them work
        earlier, later = _as_one(earlier), _as_one(later)
    gone = None if before is None else ConnectionStatus.DISCONNECTED
    for link in dict.fromkeys(chain(earlier, later)):
        was = earlier.get(link, gone)
        is_ = later.get(link, ConnectionStatus.DISCONNECTED)
        if is_ is was or (was is None and is_ is ConnectionStatus.DISCONNECTED):
            continue
        data = _from_to(was, is_)
        yield NewEntry(
            type=_connection_type(was, is_, is_first=before is None or bool(earlier)),
            linked_account_id=after["linked_account_id"],
            slug=after["slug"],
            connection_id=link.connection_id,
            data=data if link.auth_type is None else {**data, "auth_type": link.auth_type},
        )


def links_of(row: Row | None) -> dict[Link, ConnectionStatus]:
    """Return what is connected, each with whether it works. Where only the whole is known to fail, all of it does."""
    status = ConnectionStatus.DISCONNECTED if row is None else ConnectionStatus(row["status"])
    if row is None or status is ConnectionStatus.DISCONNECTED:
        return {}
    accounts = _objects(row.get("accounts")) or [{}]
    expired = {_link(account) for account in accounts if account.get("status") != "active"}
    links = [_link(account) for account in accounts]
    if status is ConnectionStatus.CONNECTED:
        return dict.fromkeys(links, ConnectionStatus.CONNECTED)
    failing = expired or {*links}
    return {link: ConnectionStatus.REAUTH_REQUIRED if link in failing else ConnectionStatus.CONNECTED for link in links}


def _link(account: Row) -> Link:
    return Link(account.get("connection_id"), account.get("auth_type"))


def _as_one(links: Mapping[Link, ConnectionStatus]) -> dict[Link, ConnectionStatus]:
    if not links:
        return {}
    fails = ConnectionStatus.REAUTH_REQUIRED in links.values()
    return {NOT_KNOWN: ConnectionStatus.REAUTH_REQUIRED if fails else ConnectionStatus.CONNECTED}


def _connection_type(was: ConnectionStatus | None, is_: ConnectionStatus, *, is_first: bool) -> ChangeType:
    """Return the type of a change; `is_first`: the application was not connected and disconnected before."""
    match is_:
        case ConnectionStatus.DISCONNECTED:
            return ChangeType.CONNECTION_REMOVED
        case ConnectionStatus.REAUTH_REQUIRED:
            return ChangeType.CONNECTION_REAUTH_REQUIRED
        case ConnectionStatus.CONNECTED if was is ConnectionStatus.REAUTH_REQUIRED:
            return ChangeType.CONNECTION_RECOVERED
        case ConnectionStatus.CONNECTED:
            return ChangeType.CONNECTION_CONNECTED if is_first else ChangeType.CONNECTION_RECONNECTED
    assert_never(is_)


# --- configs ----------------------------------------------------------------------------------------------------------


def _of_config(before: Row | None, after: Row) -> Iterator[NewEntry]:
    was, is_ = None if before is None else ConfigStatus(before["status"]), ConfigStatus(after["status"])
    if was is not ConfigStatus.INSTALLED and is_ is ConfigStatus.DELETED:
        return
    names = {name: after[name] for name in ("linked_account_id", "slug", "config_id")}
    named: dict[str, Any] = {**names, "connection_id": after.get("connection_id") or None}
    earlier = before if before is not None and was is ConfigStatus.INSTALLED else {}
    data: dict[str, Any] = {} if is_ is was else {"status": _from_to(was, is_)}
    if is_ is ConfigStatus.INSTALLED:  # of a config that is deleted, only that
        data |= _config_differences(earlier, after)
    if data:
        yield NewEntry(type=ChangeType.CONFIG_CHANGED, **named, data=data)
    errors = after.get("field_errors") or []
    if errors and not is_same(earlier.get("field_errors") or [], errors):
        yield NewEntry(type=ChangeType.CONFIG_NEEDS_ATTENTION, **named, data={"field_errors": errors})


def _config_differences(earlier: Row, after: Row) -> dict[str, Any]:
    """Return what differs beside the status, from and to."""
    fields = _differences(earlier.get("fields") or {}, after.get("fields") or {})
    workflows = _differences(_by_id(earlier.get("workflows")), _by_id(after.get("workflows")))
    data = {name: values for name, values in (("fields", fields), ("workflows", workflows)) if values}
    if earlier.get("field_errors") and not after.get("field_errors"):
        data["field_errors"] = _from_to(earlier["field_errors"], [])
    return data


def _by_id(workflows: object) -> dict[str, Row]:
    return {str(workflow.get("id")): workflow for workflow in _objects(workflows)}


def _objects(stored: object) -> list[Row]:
    """Return the objects in a stored list. What cannot be read fails no attempt."""
    return [each for each in stored if isinstance(each, dict)] if isinstance(stored, list) else []


def _differences(before: Row, after: Row) -> dict[str, Any]:
    names = dict.fromkeys(chain(before, after))
    return {
        name: _from_to(before.get(name), after.get(name))
        for name in names
        if not is_same(before.get(name), after.get(name))
    }


def _from_to(before: Any, after: Any) -> dict[str, Any]:
    return {"from": before, "to": after}


# --- what is erased ---------------------------------------------------------------------------------------------------


def without_values(type_: ChangeType, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry may still say of an account that is gone: nothing personal."""
    match type_:
        case ChangeType.ACCOUNT_RENAMED | ChangeType.CONFIG_NEEDS_ATTENTION:
            return {}
        case ChangeType.CONFIG_CHANGED:
            return {name: value for name, value in data.items() if name == "status"}
        case ChangeType.EVENT_DEAD:
            return {name: value for name, value in data.items() if name != "reason"}
        case (
            ChangeType.CONNECTION_CONNECTED
            | ChangeType.CONNECTION_RECONNECTED
            | ChangeType.CONNECTION_REAUTH_REQUIRED
            | ChangeType.CONNECTION_RECOVERED
            | ChangeType.CONNECTION_REMOVED
            | ChangeType.ACCOUNT_CREATED
            | ChangeType.ACCOUNT_MISSING
            | ChangeType.ACCOUNT_DELETED
            | ChangeType.WORK_HALTED
            | ChangeType.WORK_RESUMED
        ):
            return dict(data)
    assert_never(type_)
