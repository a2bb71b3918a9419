"""Compares the mirror with the sandbox's whole truth, row by row and column by column."""

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
from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus

#: A row as both sides can be brought to it; None: there is no such row.
Row = Mapping[str, Any] | None
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRows:
    """What the mirror holds of some accounts."""

    accounts: Sequence[MirroredAccount] = ()
    connections: Sequence[MirroredConnection] = ()
    configs: Sequence[MirroredConfig] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One column of one row on which the two disagree.

    Attributes:
        what: `account`, `connection` or `config`.
        key: account id, slug and config id, as far as the row has them.
        column: which part of the row; `row` when one side has none.
        mirror: what the mirror says.
        cobalt: what Cobalt says.
    """

    what: str
    key: Key
    column: str
    mirror: Any = field(repr=False)
    cobalt: Any = field(repr=False)

    def __str__(self) -> str:
        return f"{self.what} {' / '.join(self.key)}: {self.column}: mirror {self.mirror!r}, Cobalt {self.cobalt!r}"


def read_mirror(connection: Connection, linked_account_ids: Iterable[str]) -> MirrorRows:
    """Everything that the mirror holds of these accounts."""
    ids = sorted(set(linked_account_ids))
    accounts = [find_account(connection, one) for one in ids]
    return MirrorRows(
        accounts=[account for account in accounts if account is not None],
        connections=[row for one in ids for row in list_connections(connection, one)],
        configs=[row for one in ids for row in list_configs(connection, one)],
    )


def compare(mirror: MirrorRows, state: Mapping[str, Any]) -> list[Difference]:
    """Every difference between mirror rows and the sandbox's state (`Sandbox.state`, or `/_sandbox/state`).

    What the mirror shows as disconnected, deleted or missing agrees with Cobalt having no such row. Values of
    password fields are not compared: the mirror must not have them, and one that it has is a difference.
    """
    return [
        *_differences("account", _mirrored_accounts(mirror), _true_accounts(state)),
        *_differences("connection", _mirrored_connections(mirror), _true_connections(state)),
        *_differences("config", _mirrored_configs(mirror), _true_configs(state)),
    ]


def _differences(what: str, mirror: Mapping[Key, Row], cobalt: Mapping[Key, Row]) -> Iterator[Difference]:
    for key in sorted(mirror.keys() | cobalt.keys()):
        ours, theirs = mirror.get(key), cobalt.get(key)
        if ours is None or theirs is None:
            if ours is not theirs:
                yield Difference(what=what, key=key, column="row", mirror=ours, cobalt=theirs)
            continue
        for column in sorted(ours.keys() | theirs.keys()):
            if ours.get(column) != theirs.get(column):
                yield Difference(what=what, key=key, column=column, mirror=ours.get(column), cobalt=theirs.get(column))


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
            "connected_at": max(_moment(one["connected_at"]) for one in row["accounts"]),
            **_connected_accounts(row["accounts"]),
        }
        for row in state["connections"]
    }


def _connected_accounts(accounts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"accounts.{one['auth_type']}": {
            "identifier": one["identifier"],
            "connected_at": _moment(one["connected_at"]),
            "status": one["status"],
        }
        for one in accounts
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# --- configs ----------------------------------------------------------------------------------------------------------


def _mirrored_configs(mirror: MirrorRows) -> dict[Key, Row]:
    return {
        (row.linked_account_id, row.slug, row.config_id): _config(row.fields, row.workflows, row.field_errors)
        for row in mirror.configs
        if row.status == ConfigStatus.INSTALLED
    }


def _true_configs(state: Mapping[str, Any]) -> dict[Key, Row]:
    return {
        (row["linked_account_id"], row["slug"], row["config_id"]): _config(
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
    row |= {f"field_errors.{one['id']}": one["error"]["message"] for one in errors}
    return row


def _values(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values that a mirror keeps: none that is null, and none that the sandbox's state masks as a password."""
    return ((id_, value) for id_, value in fields.items() if value is not None and value != MASK)
