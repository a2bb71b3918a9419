"""Compare the mirror with the sandbox's whole state, row by row and column by column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from cobalt_mirror.cobalt.sandbox.fields import MASK
from cobalt_mirror.db import (
    MirroredAccount,
    MirroredConfig,
    MirroredConnection,
    find_account,
    list_configs,
    list_connections,
)
from cobalt_mirror.db.equality import is_same
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus

#: A row in the form in which both sides are compared; None if there is no such row.
Row = Mapping[str, Any] | None
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRows:
    """The rows of some accounts in the mirror."""

    accounts: Sequence[MirroredAccount] = ()
    connections: Sequence[MirroredConnection] = ()
    configs: Sequence[MirroredConfig] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One column of one row on which mirror and Cobalt disagree.

    Attributes:
        what: `account`, `connection` or `config`.
        key: Account id, slug and config id, as far as the row has them.
        column: The column; `row` if one side lacks the row.
        mirror: The value in the mirror.
        cobalt: The value at Cobalt.
    """

    what: str
    key: Key
    column: str
    mirror: Any = field(repr=False)
    cobalt: Any = field(repr=False)

    def __str__(self) -> str:
        return f"{self.what} {' / '.join(self.key)}: {self.column}: mirror {self.mirror!r}, Cobalt {self.cobalt!r}"


def read_mirror(connection: Connection, linked_account_ids: Iterable[str]) -> MirrorRows:
    """Return the rows of these accounts in the mirror."""
    ids = sorted(set(linked_account_ids))
    accounts = [find_account(connection, account_id) for account_id in ids]
    return MirrorRows(
        accounts=[account for account in accounts if account is not None],
        connections=[row for account_id in ids for row in list_connections(connection, account_id)],
        configs=[row for account_id in ids for row in list_configs(connection, account_id)],
    )


def compare(mirror: MirrorRows, state: Mapping[str, Any]) -> list[Difference]:
    """Return every difference between mirror rows and the sandbox's state (`Sandbox.state`, or `/_sandbox/state`).

    A row that is disconnected, deleted or missing in the mirror agrees with no row at Cobalt. Values of password fields
    are not compared: the mirror must not have them, and one that it has is a difference. `schema` of a config, the form
    that Cobalt describes, is not in the sandbox's state and is not compared.
    """
    return [
        *_differences("account", _mirrored_accounts(mirror), _true_accounts(state)),
        *_differences("connection", _mirrored_connections(mirror), _true_connections(state)),
        *_differences("config", _mirrored_configs(mirror), _true_configs(state)),
    ]


def _differences(noun: str, mirror: Mapping[Key, Row], cobalt: Mapping[Key, Row]) -> Iterator[Difference]:
    for key in sorted(mirror.keys() | cobalt.keys()):
        mirror_row, cobalt_row = mirror.get(key), cobalt.get(key)
        if mirror_row is None or cobalt_row is None:
            if mirror_row is not cobalt_row:
                yield Difference(what=noun, key=key, column="row", mirror=mirror_row, cobalt=cobalt_row)
            continue
        for column in sorted(mirror_row.keys() | cobalt_row.keys()):
            if not _agrees(mirror_row.get(column), cobalt_row.get(column)):
                yield Difference(
                    what=noun, key=key, column=column, mirror=mirror_row.get(column), cobalt=cobalt_row.get(column)
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    """A time that Cobalt moves by itself, whenever it renews a token: the mirror has it as of some read since."""

    first: datetime
    last: datetime


def _agrees(mirror: Any, cobalt: Any) -> bool:
    if isinstance(cobalt, _Since):
        return isinstance(mirror, datetime) and cobalt.first <= mirror <= cobalt.last
    return is_same(mirror, cobalt)


# --- accounts ---------------------------------------------------------------------------------------------------------


def _mirrored_accounts(mirror: MirrorRows) -> dict[Key, Row]:
    return {
        (row.linked_account_id,): {
            "status": row.status,
            "environment": row.environment,
            "name": row.name,
            "udf": dict(row.udf or {}),
        }
        for row in mirror.accounts
        if row.status not in {AccountStatus.MISSING, AccountStatus.DELETED}
    }


def _true_accounts(state: Mapping[str, Any]) -> dict[Key, Row]:
    return {
        (row["linked_account_id"],): {
            "status": AccountStatus.ACTIVE,
            "environment": row["environment"],
            "name": row["name"],
            "udf": row["udf"],
        }
        for row in state["accounts"]
    }


# --- connections ------------------------------------------------------------------------------------------------------


def _mirrored_connections(mirror: MirrorRows) -> dict[Key, Row]:
    return {
        (row.linked_account_id, row.slug): {
            "status": row.status,
            "connected_at": row.connected_at,
            **_connected_accounts(row.accounts or ()),
        }
        for row in mirror.connections
        if row.status != ConnectionStatus.DISCONNECTED
    }


def _true_connections(state: Mapping[str, Any]) -> dict[Key, Row]:
    return {
        (row["linked_account_id"], row["slug"]): {
            "status": row["status"],
            "connected_at": _Since(
                first=max(_moment(account["created_at"]) for account in row["accounts"]),
                last=max(_moment(account["connected_at"]) for account in row["accounts"]),
            ),
            **_connected_accounts(row["accounts"]),
        }
        for row in state["connections"]
    }


def _connected_accounts(accounts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"accounts.{account.get('connection_id') or account['auth_type']}.{column}": value
        for account in accounts
        for column, value in _connected_account(account).items()
    }


def _connected_account(account: Mapping[str, Any]) -> dict[str, Any]:
    connected_at: Any = _moment(account["connected_at"])
    if "created_at" in account:  # Cobalt's
        connected_at = _Since(first=_moment(account["created_at"]), last=connected_at)
    names = ("auth_type", "identifier", "status", "auth_profile_id", "auth_profile_name", "user_defined_fields")
    return {**{name: account.get(name) for name in names}, "connected_at": connected_at}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# --- configs ----------------------------------------------------------------------------------------------------------


def _mirrored_configs(mirror: MirrorRows) -> dict[Key, Row]:
    return {
        (row.linked_account_id, row.slug, row.config_id, row.connection_id): _config(
            row.fields, row.workflows, row.field_errors
        )
        for row in mirror.configs
        if row.status == ConfigStatus.INSTALLED
    }


def _true_configs(state: Mapping[str, Any]) -> dict[Key, Row]:
    return {
        (row["linked_account_id"], row["slug"], row["config_id"], row["connection_id"]): _config(
            row["fields"], row["workflows"], row["field_errors"]
        )
        for row in state["configs"]
    }


def _config(
    fields: Mapping[str, Any], workflows: Iterable[Mapping[str, Any]], errors: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    row: dict[str, Any] = {f"fields.{id_}": value for id_, value in _values(fields)}
    for workflow in workflows:
        row[f"workflows.{workflow['id']}.enabled"] = workflow["enabled"]
        row |= {f"workflows.{workflow['id']}.{id_}": value for id_, value in _values(workflow["fields"])}
    row |= {f"field_errors.{error['id']}": error["error"]["message"] for error in errors}
    return row


def _values(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the values that a mirror keeps: not null, and not a password, which the sandbox's state masks."""
    return ((id_, value) for id_, value in fields.items() if value is not None and value != MASK)
