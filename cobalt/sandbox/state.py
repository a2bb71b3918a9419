"""The state of the sandbox: accounts, connections, configs, tokens and webhooks, by environment."""

import random
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cobalt_mirror.cobalt.sandbox.catalogue import Application, AuthProfile
from cobalt_mirror.cobalt.sandbox.ledger import Ledger
from cobalt_mirror.cobalt.sandbox.messages import unknown_account
from cobalt_mirror.cobalt.sandbox.settings import SandboxSettings

ConfigKey = tuple[str, str, str]
"""Slug, config id and connection id (empty where the application connects once)."""


class Environment(StrEnum):
    """Cobalt's two environments; an account exists in one of them only."""

    TEST = "test"
    PRODUCTION = "production"


class ConnectionStatus(StrEnum):
    """The state of one connected account."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(kw_only=True, slots=True)
class ConnectedAccount:
    """One connected account of a connection: one auth type, or one of several where the application allows that.

    Attributes:
        connected_at: When it was connected last, or when its token was renewed if that was later.
        created_at: When it was connected first; connecting again and renewing leave it.
        connection_id: Its id; None where the application connects once for each auth type, and so for what follows.
        auth_profile: The organisation's credential set that it uses.
        user_defined_fields: The caller's own metadata.
    """

    id: str
    auth_type: str
    identifier: Any
    connected_at: datetime
    created_at: datetime
    updated_at: datetime
    status: ConnectionStatus = ConnectionStatus.ACTIVE
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    connection_id: str | None = None
    auth_profile: AuthProfile | None = None
    user_defined_fields: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is told apart by among the connected accounts of one connection."""
        return self.auth_type if self.connection_id is None else self.connection_id


@dataclass(kw_only=True, slots=True)
class Integration:
    """One account's link to one application: as long as at least one connected account is there.

    Attributes:
        created_at: When the first connected account was made; new only after all were disconnected.
        parts: Connected accounts by auth type, or by connection id where the application allows several.
    """

    id: str
    created_at: datetime
    parts: dict[str, ConnectedAccount] = field(default_factory=dict)

    @property
    def updated_at(self) -> datetime:
        """The latest change of its connected accounts."""
        return max((part.updated_at for part in self.parts.values()), default=self.created_at)

    @property
    def is_expired(self) -> bool:
        """Whether the customer must connect again in at least one way."""
        return any(part.status is ConnectionStatus.EXPIRED for part in self.parts.values())


@dataclass(kw_only=True, slots=True)
class WorkflowValues:
    """The values of one workflow of a config."""

    enabled: bool = False
    values: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(kw_only=True, slots=True)
class Config:
    """The values of one config; its fields are the application's.

    Attributes:
        connection_id: The connection that it belongs to; empty where the application connects once.
        labels: The caller's labels for mapping fields.
        saved: Whether it was ever saved; until then missing required fields are no errors.
    """

    id: str
    config_id: str
    connection_id: str = ""
    labels: dict[str, Any] | list[dict[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    workflows: dict[str, WorkflowValues] = field(default_factory=dict)
    saved: bool = False


@dataclass(kw_only=True, slots=True)
class UdfPair:
    """One user-defined field of an account."""

    id: str
    value: str
    created_at: datetime
    updated_at: datetime


@dataclass(kw_only=True, slots=True)
class Account:
    """One linked account with everything under it.

    Attributes:
        has_default_application: Whether it ever had credentials for the organisation's default application.
        credentials: Those credentials by key.
    """

    id: str
    linked_account_id: str
    environment: Environment
    name: str | None
    created_at: datetime
    updated_at: datetime
    udf: dict[str, UdfPair] = field(default_factory=dict)
    has_default_application: bool = False
    credentials: dict[str, str] = field(default_factory=dict, repr=False)
    connections: dict[str, Integration] = field(default_factory=dict)
    configs: dict[ConfigKey, Config] = field(default_factory=dict)

    def connected(self, slug: str) -> list[ConnectedAccount]:
        """Return the connected accounts of an application; empty if it is not connected."""
        integration = self.connections.get(slug)
        return [] if integration is None else list(integration.parts.values())


@dataclass(kw_only=True, slots=True)
class SessionToken:
    """A session token of one account."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    environment: Environment
    linked_account_id: str
    expires_at: datetime
    refresh_expires_at: datetime


@dataclass(kw_only=True, slots=True)
class Webhook:
    """A registered subscription to notifications; ``fields`` is its document as the API shows it."""

    id: str
    environment: Environment
    fields: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a caller says of a connection to an application that allows several.

    Attributes:
        connection_id: The connection to authorize again; None for another one.
        auth_profile_id: The credential set; None for the first, or the one that it has.
        user_defined_fields: The caller's metadata; None for none, or what it has.
    """

    connection_id: str | None = None
    auth_profile_id: str | None = None
    user_defined_fields: dict[str, Any] | None = None


@dataclass(kw_only=True, slots=True)
class Consent:
    """A requested consent that may be given once, or a hosted page that leads to several."""

    environment: Environment
    linked_account_id: str
    slug: str | None
    redirect_url: str | None
    choice: Choice = field(default_factory=Choice)


@dataclass(kw_only=True, slots=True)
class Notification:
    """One signed POST to one webhook.

    Attributes:
        due_at: Earliest time of its delivery.
        attempts: Number of deliveries tried so far.
    """

    n: int
    event: str
    url: str
    method: str
    headers: dict[str, str]
    body: bytes
    due_at: datetime
    attempts: int = 0


@dataclass(kw_only=True)
class World:
    """All state of one sandbox. Use it only while holding the sandbox's lock."""

    rng: random.Random
    settings: SandboxSettings
    keys: dict[Environment, str] = field(repr=False)
    org_id: str
    test_user: str | None
    applications: dict[str, Application]
    events: tuple[str, ...]
    ledger: Ledger
    now: datetime
    accounts: dict[Environment, dict[str, Account]] = field(default_factory=lambda: {env: {} for env in Environment})
    tokens: dict[str, SessionToken] = field(default_factory=dict, repr=False)
    current_tokens: dict[tuple[Environment, str], str] = field(default_factory=dict, repr=False)
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    disabled: set[str] = field(default_factory=set)
    outbox: list[Notification] = field(default_factory=list)
    notifications_made: int = 0
    starts: int = 0

    def new_id(self) -> str:
        """Return an id in the form of MongoDB's."""
        return f"{self.rng.getrandbits(96):024x}"

    def new_secret(self, prefix: str) -> str:
        """Return a random token with a prefix."""
        return f"{prefix}_{self.rng.getrandbits(256):064x}"

    def find_account(self, environment: Environment, linked_account_id: str) -> Account | None:
        """Return the account, or None if this environment does not have it."""
        return self.accounts[environment].get(linked_account_id)

    def get_account(self, environment: Environment, linked_account_id: str) -> Account:
        """Return the account.

        Raises:
            Refusal: 400 INVALID_LINKED_ACCOUNT_ID.
        """
        account = self.accounts[environment].get(linked_account_id)
        if account is None:
            raise unknown_account(linked_account_id)
        return account

    def find_application(self, slug: str) -> Application | None:
        """Return the application, or None if it is not in the catalogue or not enabled."""
        return None if slug in self.disabled else self.applications.get(slug)


def iso(moment: datetime) -> str:
    """Return a UTC time as Cobalt writes it: with milliseconds and a Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
