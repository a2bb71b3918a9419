"""Cobalt's answers as frozen models; unknown keys are ignored."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cobalt_mirror.cobalt.environment import Environment


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
    """One application that an account is connected to, as it appears in the account's answer.

    Attributes:
        type: The slug of one of Cobalt's own applications; `custom` for every application of the organisation's own.
        app_id: The application's id in the catalogue, by which a custom one is found; None for Cobalt's own.
        created_at: When it was first connected; a new time only after a disconnect. Renewing a token does not move it.
    """

    type: str
    app_id: str | None = None
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
        connection_id: Its identity, in an application that holds several connections; else None.
        auth_profile_id: The credential set of the organisation that it uses; given together with `connection_id`.
        auth_profile_name: The name of that set.
        user_defined_fields: What the caller noted with it; given together with `connection_id`.
        identifier: The provider's name for the account: text, an object or None, depending on the provider.
        status: `active` or `expired`.
        connected_at: When it was connected or its token renewed, whichever is later: no identity.
    """

    connection_id: str | None = None
    auth_profile_id: str | None = None
    auth_profile_name: str | None = None
    user_defined_fields: Any = None
    auth_type: str
    identifier: str | dict[str, Any] | None = None
    status: str = "active"
    connected_at: Moment | None = Field(default=None, validation_alias="connectedAt")


class Application(Answer):
    """Something customers can connect, as one account sees it.

    Attributes:
        app_id: Its id, by which an account's answer names a custom application.
        type: The slug of one of Cobalt's own applications; `custom` for every application of the organisation's own.
        kind: `native`, `custom` or `universal_connector`; for information.
        has_multi_auth: Whether an account may hold several connections, each with a `connection_id`.
        connected_accounts: All connected accounts; `connected` and `reauth_required` summarise them. Where an answer
            leaves out the auth type or the status of one, it is the application's.
        auth_type_options: For each auth type, the inputs that a form needs.
    """

    slug: str
    name: str
    app_id: str | None = None
    type: str | None = None
    kind: str | None = None
    has_multi_auth: bool = Field(default=False, validation_alias="has_multi_auth_enabled")
    icon: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    auth_type: str | None = None
    auth_type_options: dict[str, Any] = Field(default_factory=dict)
    connected: bool = False
    reauth_required: bool = False
    connected_accounts: tuple[ConnectedAccount, ...] = ()

    @field_validator("connected_accounts", mode="before")
    @classmethod
    def _complete(cls, accounts: object, info: ValidationInfo) -> object:
        """Give each connected account the auth type and status that some answers leave out."""
        if not isinstance(accounts, list):
            return accounts
        status = "expired" if info.data.get("reauth_required") else "active"
        own = {"auth_type": info.data.get("auth_type"), "status": status}
        return [
            {**own, **{key: value for key, value in account.items() if value is not None}}
            if isinstance(account, Mapping)
            else account
            for account in accounts
        ]

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
    """How a connected application is set up for an account.

    Attributes:
        connection_id: The connection that it sets up, in an application that holds several; else None.
    """

    slug: str
    config_id: str
    connection_id: str | None = None
    fields: tuple[ConfigField, ...]
    workflows: tuple[ConfigWorkflow, ...] = ()
    field_errors: tuple[FieldError, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """Field id to value, for the fields whose value the answer carries; null is kept as None."""
        return _values(self.fields)


class ConfigReference(Answer):
    """One of an account's configs in the list of an application's; see `Config`."""

    config_id: str
    connection_id: str | None = None


class Webhook(Answer):
    """An address for notifications. `webhook_type`: `default`, else the body is made otherwise: `slack`, `custom`."""

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
