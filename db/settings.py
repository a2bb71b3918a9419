"""The settings of every process that uses the database, read from the environment."""

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from cobalt_mirror.addresses import checked_address
from cobalt_mirror.db.errors import BadSetting
from cobalt_mirror.db.vault import Vault

EMBEDDED_DATABASE = Path("var") / "mirror.db"

_POSTGRESQL, _SQLITE = "postgresql+psycopg", "sqlite"
#: Our driver for each that a host's DATABASE_URL may name: the host has its own engine, and we have ours.
_DRIVERS = {
    "postgres": _POSTGRESQL,
    "postgresql": _POSTGRESQL,
    "postgresql+asyncpg": _POSTGRESQL,
    "postgresql+pg8000": _POSTGRESQL,
    "postgresql+psycopg": _POSTGRESQL,
    "postgresql+psycopg2": _POSTGRESQL,
    "postgresql+psycopg_async": _POSTGRESQL,
    "sqlite": _SQLITE,
    "sqlite+aiosqlite": _SQLITE,
    "sqlite+pysqlite": _SQLITE,
}


class KeySettings(BaseModel):
    """The keys that seal secrets: all that publishing in a session of the host's needs.

    Attributes:
        mirror_secret_keys: `MIRROR_SECRET_KEYS`, comma-separated Fernet keys; the first one encrypts.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False)

    mirror_secret_keys: SecretStr = SecretStr("")

    @field_validator("mirror_secret_keys")
    @classmethod
    def _are_fernet_keys(cls, value: SecretStr) -> SecretStr:
        Vault.from_keys(value.get_secret_value())
        return value

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables of the process. See `from_variables`."""
        return cls.from_variables(os.environ)

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Self:
        """Read and check the variables of these names, in any case. An empty one counts as unset.

        Raises:
            BadSetting: a value cannot be used; the text names the variable and the rule.
        """
        set_ = {name.lower(): value for name, value in variables.items() if value}
        try:
            return cls.model_validate({name: set_[name] for name in cls.model_fields if name in set_})
        except ValidationError as error:
            raise BadSetting(describe(error)) from None

    def vault(self) -> Vault:
        """Return the vault with the keys of `MIRROR_SECRET_KEYS`."""
        return _vault(self.mirror_secret_keys.get_secret_value())


class MirrorSettings(KeySettings):
    """All that publishing and reading need in a transaction of the host's that no SQLAlchemy engine began.

    Attributes:
        mirror_schema: `MIRROR_SCHEMA`, the PostgreSQL schema that holds every table of ours. SQLite has none.
    """

    mirror_schema: str = "cobalt_mirror"

    @field_validator("mirror_schema")
    @classmethod
    def _is_an_identifier(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
            raise ValueError("must be 1 to 63 lower-case letters, digits and underscores, the first not a digit")
        if value in {"public", "information_schema"} or value.startswith("pg_"):
            raise ValueError(
                "must be a schema for the mirror alone, as its tables have common names; not public, "
                "information_schema or pg_..."
            )
        return value


class DatabaseSettings(MirrorSettings):
    """Where the mirror lives and which keys seal its secrets. Read once, when a process starts.

    Attributes:
        database_url: `DATABASE_URL`. Default: SQLite at `var/mirror.db` below the working directory.
        database_prepared_statements: `DATABASE_PREPARED_STATEMENTS`, whether PostgreSQL may keep a connection's
            statements. False for a pooler that hands each transaction another connection, and does not know them.
    """

    database_url: str = Field(default=f"sqlite:///{EMBEDDED_DATABASE}", repr=False)
    database_prepared_statements: bool = True

    @field_validator("database_url")
    @classmethod
    def _is_a_supported_url(cls, value: str) -> str:
        if not value.startswith("sqlite"):
            checked_address(value)
        try:
            url = make_url(value)
        except (ArgumentError, ValueError):  # the latter from a port that is no number, which may be half a password
            raise ValueError("must be a URL such as postgresql://user@host/name or sqlite:///var/mirror.db") from None
        if url.drivername not in _DRIVERS:
            raise ValueError(f"must begin with postgresql:// or sqlite://, not {url.drivername}://")
        if url.drivername.startswith("sqlite") and url.database in {None, "", ":memory:"}:
            raise ValueError(
                "must name a file after sqlite:///; in memory, each connection would have a database of its own"
            )
        return value

    def url(self) -> URL:
        """Return the database's address with the driver that we use, and without what is for another one alone."""
        url = make_url(self.database_url)
        return url.set(drivername=_DRIVERS[url.drivername], query=_libpq_options(url))

    def shown_url(self) -> str:
        """Return the database's address for a message: without password and options."""
        return self.url().set(query={}).render_as_string(hide_password=True)

    def described_url(self) -> str:
        """Return the address as `shown_url` does, and say so if it is the default."""
        is_default = "database_url" not in self.model_fields_set
        return f"{self.shown_url()} (the default: DATABASE_URL is not set)" if is_default else self.shown_url()


def _libpq_options(url: URL) -> dict[str, str | tuple[str, ...]]:
    """Return an address's options as our driver knows them. Of asyncpg's, `ssl` is `sslmode`."""
    options = {name: value for name, value in url.query.items() if not name.startswith("prepared_statement_")}
    if url.drivername == "postgresql+asyncpg" and "ssl" in options:
        options["sslmode"] = options.pop("ssl")
    return options


@functools.lru_cache(maxsize=4)  # every publish asks for it
def _vault(keys: str) -> Vault:
    return Vault.from_keys(keys)


def describe(error: ValidationError) -> str:
    """Describe each bad variable in one line: its name and the rule. The value stays out: it may be a secret."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_input=False, include_url=False)
    )
