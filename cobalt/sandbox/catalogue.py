"""The catalogue of applications, read once from ``catalogue.toml``."""

import hashlib
import tomllib
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthInput(_Value):
    """One input that a customer types in to connect."""

    name: str
    label: str
    type: Literal["text", "password"] = "text"
    required: bool = True
    placeholder: str = ""


class Option(_Value):
    """One choice of a select or multiselect field."""

    name: str
    value: str


class Field(_Value):
    """One field of a config form."""

    id: str
    name: str
    field_type: Literal["text", "select", "multiselect", "password", "checkbox", "number"]
    required: bool = False
    options: tuple[Option, ...] = ()

    @cached_property
    def skeleton(self) -> dict[str, Any]:
        """The part of it that answers show whatever its value."""
        fields: dict[str, Any] = self.model_dump(include={"id", "name", "field_type", "required"})
        if self.options:
            fields["options"] = [option.model_dump() for option in self.options]
        if self.field_type == "multiselect":
            fields["multiple"] = True
        return fields


class Workflow(_Value):
    """One workflow that a customer may enable."""

    id: str
    name: str
    description: str
    fields: tuple[Field, ...] = ()

    def find_field(self, field_id: str) -> Field | None:
        """Return the field, or None if the workflow does not have it."""
        return next((field for field in self.fields if field.id == field_id), None)


class AuthProfile(_Value):
    """One credential set of the organisation, through which an application with several connections connects."""

    id: str
    name: str


class Kind(StrEnum):
    """The origin of an application; the API treats all of them alike."""

    NATIVE = "native"
    CUSTOM = "custom"


class Grant(StrEnum):
    """How an application's oauth2 authorizes."""

    REDIRECT = "redirect"  # the customer consents in a window
    CLIENT_CREDENTIALS = "client_credentials"  # the credentials are typed in, without a window


class Application(_Value):
    """One application with its ways to connect and the skeleton of its configs.

    Attributes:
        kind: `custom` for an application of the organisation's own.
        auth: Auth type (`oauth2`, `keybased`) to what the customer types in for it.
        grant: How its oauth2 authorizes.
        has_multi_auth_enabled: Whether an account may hold several connections of it, each with a connection id.
        auth_profiles: Credential sets for such an application; the first is the default.
        identifier: What a connected account of it is identified by: a string, an object or null.
    """

    slug: str
    kind: Kind = Kind.NATIVE
    name: str
    description: str
    icon: str
    tags: tuple[str, ...]
    auth: dict[Literal["oauth2", "keybased"], tuple[AuthInput, ...]]
    grant: Grant = Grant.REDIRECT
    has_multi_auth_enabled: bool = False
    auth_profiles: tuple[AuthProfile, ...] = ()
    identifier: Literal["string", "object", "null"] = "string"
    fields: tuple[Field, ...]
    workflows: tuple[Workflow, ...]

    @property
    def type(self) -> str:
        """Its type in answers: its slug, or `custom` for every custom application."""
        return "custom" if self.kind is Kind.CUSTOM else self.slug

    @property
    def opens_window(self) -> bool:
        """Whether a customer can consent to it in a window."""
        return "oauth2" in self.auth and self.grant is Grant.REDIRECT

    @cached_property
    def app_id(self) -> str:
        """Its id, the same in every sandbox."""
        return hashlib.sha256(self.slug.encode()).hexdigest()[:24]

    def inputs(self, auth_type: str) -> tuple[AuthInput, ...]:
        """Return what a customer types in for an auth type; nothing if the application does not have it."""
        return next((inputs for name, inputs in self.auth.items() if name == auth_type), ())

    def find_profile(self, profile_id: str) -> AuthProfile | None:
        """Return the auth profile, or None if the application does not have it."""
        return next((profile for profile in self.auth_profiles if profile.id == profile_id), None)

    def find_field(self, field_id: str) -> Field | None:
        """Return the field, or None if the application does not have it outside its workflows."""
        return next((field for field in self.fields if field.id == field_id), None)

    def find_workflow(self, workflow_id: str) -> Workflow | None:
        """Return the workflow, or None if the application does not have it."""
        return next((workflow for workflow in self.workflows if workflow.id == workflow_id), None)


@cache
def whole_catalogue() -> tuple[Application, ...]:
    """Return every application in its order."""
    raw: dict[str, Any] = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    return tuple(Application.model_validate(entry) for entry in raw["application"])


@cache
def applications() -> tuple[Application, ...]:
    """Return the native applications whose oauth2 opens a window, and that connect once for each auth type."""
    return tuple(
        application
        for application in whole_catalogue()
        if application.kind is Kind.NATIVE
        and application.grant is Grant.REDIRECT
        and not application.has_multi_auth_enabled
    )
