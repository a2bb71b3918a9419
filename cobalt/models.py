"""Cobalt's answers as frozen models; unknown keys are ignored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Environment(StrEnum):
    """The environment of an account; the API key decides it."""

    TEST = "test"
    PRODUCTION = "production"


def _to_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _pairs_to_mapping(udf: object) -> object:
    """Return `udf` as a mapping: Cobalt accepts it as one, but answers with a list of pairs."""
    if not isinstance(udf, list):
        return udf
    return {pair["key_name"]: pair.get("key_value") for pair in udf if isinstance(pair, dict) and "key_name" in pair}


Moment = Annotated[datetime, AfterValidator(_to_utc)]
Udf = Annotated[dict[str, str | None], BeforeValidator(_pairs_to_mapping)]


class Answer(BaseModel):
    """A part of an answer: null means the same as absent, except where `nullable` says otherwise.

    Attributes:
        raw: The part as it arrived, unknown keys included. Not in the repr, since it may hold secrets.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
    )
    nullable: ClassVar[frozenset[str]] = frozenset()

    raw: Mapping[str, Any] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls_and_keep_raw(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values = {key: value for key, value in data.items() if value is not None or key in cls.nullable}
        return {**values, "raw": dict(data)}


class AccountIntegration(Answer):
    """One application that an account is connected to, as it appears in the account's answer."""

    slug: str = Field(validation_alias="type")
    name: str | None = None
    identifier: Any = None
    reauth_required: bool = False
    created_at: Moment | None = Field(default=None, validation_alias="createdAt")
    updated_at: Moment | None = Field(default=None, validation_alias="updatedAt")


class LinkedAccount(Answer):
    """One customer of the host.

    Attributes:
        linked_account_id: The host's own id.
        udf: The host's extra fields; None if the answer leaves them out.
        integrations: The connected applications; None if the answer leaves them out, which does not mean none.
        new_account: Whether an upsert created it; None in other answers.
    """

    linked_account_id: str = Field(validation_alias=AliasChoices("account_id", "linked_account_id"))
    name: str | None = None
    environment: Environment | None = None
    udf: Udf | None = None
    integrations: tuple[AccountIntegration, ...] | None = None
    new_account: bool | None = None
    created_at: Moment | None = Field(default=None, validation_alias="createdAt")
    updated_at: Moment | None = Field(default=None, validation_alias="updatedAt")


class AccountPage(Answer):
    """One page of the listing. Accounts created or deleted during a walk shift later pages.

    Attributes:
        limit: The page size that Cobalt used, which may be less than requested.
    """

    accounts: tuple[LinkedAccount, ...] = Field(validation_alias="docs")
    page: int
    limit: int
    has_next_page: bool = Field(validation_alias="hasNextPage")
    next_page: int | None = Field(default=None, validation_alias="nextPage")
    total_accounts: int | None = Field(default=None, validation_alias="totalDocs")
    total_pages: int | None = Field(default=None, validation_alias="totalPages")


class ConnectedAccount(Answer):
    """One way in which an account is connected to an application.

    Attributes:
        identifier: The provider's name for the account: text, an object or None, depending on the provider.
        status: `active` or `expired`.
    """

    auth_type: str
    identifier: str | dict[str, Any] | None = None
    status: str = "active"
    connected_at: Moment | None = Field(default=None, validation_alias="connectedAt")


class Application(Answer):
    """Something customers can connect, as one account sees it.

    Attributes:
        connected_accounts: All connected accounts; `connected` and `reauth_required` summarise them.
        auth_type_options: For each auth type, the inputs that a form needs.
    """

    slug: str
    name: str
    icon: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    auth_type: str | None = None
    auth_type_options: dict[str, Any] = Field(default_factory=dict)
    connected: bool = False
    connected_accounts: tuple[ConnectedAccount, ...] = ()
    reauth_required: bool = False

    @model_validator(mode="after")
    def _require_connected_accounts(self) -> Self:
        """Refuse a connection whose accounts are left out: it would read as no connection."""
        if self.connected and "connected_accounts" not in self.model_fields_set:
            raise ValueError("connected, but connected_accounts is missing")
        return self


class ConfigField(Answer):
    """One input of a config: what a form needs, and its value.

    Attributes:
        value: The value; None if it is null or if the answer leaves it out: see `has_value`.
        raw: The field's whole schema, for a form.
    """

    nullable: ClassVar[frozenset[str]] = frozenset({"value"})

    id: str
    name: str | None = None
    field_type: str | None = None
    required: bool = False
    value: Any = Field(default=None, repr=False)
    options: tuple[Any, ...] = ()

    @property
    def has_value(self) -> bool:
        """Whether the answer carries a value, be it null."""
        return "value" in self.model_fields_set


def _values(fields: tuple[ConfigField, ...]) -> dict[str, Any]:
    return {field.id: field.value for field in fields if field.has_value}


class ConfigWorkflow(Answer):
    """One workflow of a config."""

    id: str
    name: str | None = None
    enabled: bool = False
    fields: tuple[ConfigField, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Field id to value, for the fields whose value the answer carries; null is kept as None."""
        return _values(self.fields)


class FieldError(Answer):
    """A problem in a saved config that the customer must fix."""

    id: str
    name: str | None = None
    error: Any = None

    @property
    def message(self) -> str:
        """The message of Cobalt or the provider; empty if there is none."""
        message = self.error.get("message") if isinstance(self.error, Mapping) else self.error
        return "" if message is None else str(message)


class Config(Answer):
    """How a connected application is set up for an account."""

    slug: str
    config_id: str
    fields: tuple[ConfigField, ...]
    workflows: tuple[ConfigWorkflow, ...] = ()
    field_errors: tuple[FieldError, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Field id to value, for the fields whose value the answer carries; null is kept as None."""
        return _values(self.fields)


class ConfigReference(Answer):
    """One entry in the list of an account's configs for an application."""

    config_id: str


class Webhook(Answer):
    """One address to which Cobalt sends notifications.

    Attributes:
        webhook_type: `default`, or else a body that was made from a template: `slack` or `custom`.
    """

    id: str = Field(validation_alias="_id")
    webhook_url: str
    webhook_events: tuple[str, ...] = ()
    webhook_type: str = "default"
    is_enabled: bool = True


class SessionToken(BaseModel):
    """A token for the browser SDK with its refresh token and their expiry; the repr leaves the tokens out."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_at: datetime
    refresh_expires_at: datetime | None = None
