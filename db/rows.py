"""Rows of the mirror as workers read them, and the columns that an attempt may change.

Rows are frozen. A change names only the columns that are known anew; a column left out keeps its value. A misspelt
column or status is a type error.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self, TypedDict, Unpack

from sqlalchemy import Table

from cobalt_mirror.db.statuses import AccountStatus, ConfigStatus, ConnectionStatus
from cobalt_mirror.db.tables import configs, connections, linked_accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """A row of `linked_accounts`."""

    linked_account_id: str
    name: str | None = None
    udf: Mapping[str, Any] | None = None
    environment: str | None = None
    status: AccountStatus
    verified_at: datetime | None = None

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> Self:
        """Read a row of the table."""
        return cls(**{**_of(cls.__slots__, columns), "status": AccountStatus(columns["status"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """A row of `connections`. `accounts`: the connected accounts as JSON; None: not known yet."""

    linked_account_id: str
    slug: str
    status: ConnectionStatus
    accounts: Sequence[Mapping[str, Any]] | None = None
    connected_at: datetime | None = None
    verified_at: datetime | None = None

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> Self:
        """Read a row of the table."""
        return cls(**{**_of(cls.__slots__, columns), "status": ConnectionStatus(columns["status"])})


class ConfigKey(NamedTuple):
    """What tells the configs of one account and application apart.

    `connection_id` is empty where the application holds only one connection.
    """

    config_id: str
    connection_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRow:
    """A row of `configs`."""

    linked_account_id: str
    slug: str
    config_id: str
    connection_id: str = ""
    fields: Mapping[str, Any]
    workflows: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any]
    field_errors: Sequence[Mapping[str, Any]]
    status: ConfigStatus
    verified_at: datetime | None = None

    @classmethod
    def from_columns(cls, columns: Mapping[Any, Any]) -> Self:
        """Read a row of the table."""
        return cls(**{**_of(cls.__slots__, columns), "status": ConfigStatus(columns["status"])})

    @property
    def key(self) -> ConfigKey:
        """What tells it apart from the other configs of the account and application."""
        return ConfigKey(self.config_id, self.connection_id)


def _of(names: Iterable[str], columns: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: columns[name] for name in names}


class AccountColumns(TypedDict, total=False):
    """What may be recorded of an account."""

    name: str | None
    udf: Mapping[str, Any] | None
    environment: str | None
    status: AccountStatus


class ConnectionColumns(TypedDict, total=False):
    """What may be recorded of a connection."""

    status: ConnectionStatus
    accounts: Sequence[Mapping[str, Any]]
    connected_at: datetime | None


class ConfigColumns(TypedDict, total=False):
    """What may be recorded of a config."""

    fields: Mapping[str, Any]
    workflows: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any]
    field_errors: Sequence[Mapping[str, Any]]
    status: ConfigStatus


@dataclass(frozen=True, slots=True)
class Change:
    """What a row of the mirror is to hold. Make it with the function of its table, below.

    Attributes:
        table: the table.
        key: the primary key.
        columns: the columns to record; the others keep their values.
    """

    table: Table
    key: Mapping[str, str]
    columns: Mapping[str, Any]

    @property
    def row_key(self) -> tuple[str, ...]:
        """The table's name and the primary key, in the table's order."""
        return self.table.name, *(self.key[column.name] for column in self.table.primary_key)


def account_change(linked_account_id: str, **columns: Unpack[AccountColumns]) -> Change:
    """Change the account's row."""
    return Change(linked_accounts, {"linked_account_id": linked_account_id}, columns)


def connection_change(linked_account_id: str, slug: str, **columns: Unpack[ConnectionColumns]) -> Change:
    """Change the connection's row."""
    return Change(connections, {"linked_account_id": linked_account_id, "slug": slug}, columns)


def config_change(linked_account_id: str, slug: str, key: ConfigKey, **columns: Unpack[ConfigColumns]) -> Change:
    """Change the config's row."""
    return Change(configs, {"linked_account_id": linked_account_id, "slug": slug, **key._asdict()}, columns)


def config_deleted(linked_account_id: str, slug: str, key: ConfigKey) -> Change:
    """Record that a config is gone, with all that it held."""
    return config_change(
        linked_account_id,
        slug,
        key,
        status=ConfigStatus.DELETED,
        fields={},
        workflows=[],
        schema={},
        field_errors=[],
    )
