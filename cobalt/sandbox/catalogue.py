"""The catalogue of applications, read once from ``catalogue.toml``."""

import hashlib
import tomllib
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as PydanticField


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Value):
    """One choice of a field: its name for a person, and its value."""

    name: str
    value: str


class AuthInput(_Value):
    """One input that a customer types in to connect.

    Attributes:
        options: What a select offers.
    """

    name: str
    label: str
    type: str = "text"
    required: bool = True
    placeholder: str = ""
    help_text: str = ""
    options: tuple[Option, ...] = ()


class Rule(_Value):
    """One left side of a rule-engine field, with the operators and right sides that go with it.

    Attributes:
        options: What the right side offers; empty for a text of the customer's own.
    """

    name: str
    value: str
    operators: tuple[Option, ...] = (Option(name="Equals", value="eq"), Option(name="Not equal", value="neq"))
    options: tuple[Option, ...] = ()


class Field(_Value):
    """One field of a config form.

    Attributes:
        field_type: The reference's types are in `fields.HOLDS`; a field of any other type takes any value.
        multiple: Whether its value is a list.
        options: What a select offers, or the right side of a mapping.
        labels: The left side of a mapping.
        rules: The left sides of a rule engine.
        parent: The id of the field that this one depends on.
    """

    id: str = PydanticField(min_length=1)
    name: str
    field_type: str = PydanticField(min_length=1)
    required: bool = False
    multiple: bool = False
    hidden: bool = False
    placeholder: str = ""
    help_text: str = ""
    parent: str = ""
    options: tuple[Option, ...] = ()
    labels: tuple[Option, ...] = ()
    rules: tuple[Rule, ...] = ()

    @cached_property
    def skeleton(self) -> dict[str, Any]:
        """The part of it that answers show whatever its value."""
        always = {"id", "name", "field_type", "required"}
        shown: dict[str, Any] = self.model_dump(include=always)
        shown |= self.model_dump(mode="json", exclude=always | {"rules"}, exclude_defaults=True)
        if self.rules:
            lefts = [rule.model_dump(include={"name", "value"}) for rule in self.rules]
            shown["rule_columns"] = [{"id": "lhs", "name": "LHS", "field_type": "select", "options": lefts}]
        return shown

    def find_rule(self, value: object) -> Rule | None:
        """Return the rule with this left side, or None if a rule engine does not have it."""
        return next((rule for rule in self.rules if rule.value == value), None)


class Workflow(_Value):
    """One workflow that a customer may enable."""

    id: str
    name: str
    description: str = ""
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
    UNIVERSAL_CONNECTOR = "universal_connector"


class Grant(StrEnum):
    """How an application's oauth2 authorizes."""

    REDIRECT = "redirect"  # the customer consents in a window
    CLIENT_CREDENTIALS = "client_credentials"  # the credentials are typed in, without a window


class Application(_Value):
    """One application with its ways to connect and the skeleton of its configs.

    Attributes:
        app_id: Its id at Cobalt, 24 hexadecimal digits; default made of the slug.
        kind: `custom` for an application of the organisation's own.
        auth: Auth type (`oauth2`, `keybased`) to what the customer types in for it.
        grant: How its oauth2 authorizes.
        has_multi_auth_enabled: Whether an account may hold several connections of it, each with a connection id.
        auth_profiles: Credential sets for such an application; the first is the default.
        identifier: What a connected account of it is identified by: a string, an object or null.
    """

    slug: str = PydanticField(pattern=r"^[^/?#\s]+$")
    app_id: str = ""
    kind: Kind = Kind.NATIVE
    name: str
    description: str = ""
    icon: str = ""
    tags: tuple[str, ...] = ()
    auth: dict[Literal["oauth2", "keybased"], tuple[AuthInput, ...]] = PydanticField(min_length=1)
    grant: Grant = Grant.REDIRECT
    has_multi_auth_enabled: bool = False
    auth_profiles: tuple[AuthProfile, ...] = ()
    identifier: Literal["string", "object", "null"] = "string"
    fields: tuple[Field, ...] = ()
    workflows: tuple[Workflow, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _give_an_id(cls, data: Any) -> Any:
        """Make the id of the slug, so that it is the same in every sandbox."""
        if isinstance(data, dict) and isinstance(data.get("slug"), str) and not data.get("app_id"):
            return {**data, "app_id": hashlib.sha256(data["slug"].encode()).hexdigest()[:24]}
        return data

    @model_validator(mode="after")
    def _no_id_twice(self) -> "Application":
        _refuse_twice("workflow", [workflow.id for workflow in self.workflows])
        for fields in (self.fields, *(workflow.fields for workflow in self.workflows)):
            _refuse_twice("field", [field.id for field in fields])
        return self

    @property
    def type(self) -> str:
        """Its type in answers: its slug, or `custom` for every custom application."""
        return "custom" if self.kind is Kind.CUSTOM else self.slug

    @property
    def opens_window(self) -> bool:
        """Whether a customer can consent to it in a window."""
        return "oauth2" in self.auth and self.grant is Grant.REDIRECT

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


class Catalogue(_Value):
    """What an organisation offers its customers.

    Attributes:
        applications: Every application in its order; the key in a file is `application`.
        events: The names of the events that `event/trigger` may fire.
    """

    applications: tuple[Application, ...] = PydanticField(alias="application", min_length=1)
    events: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _no_slug_twice(self) -> "Catalogue":
        _refuse_twice("application", [application.slug for application in self.applications])
        return self


@cache
def bundled_catalogue() -> Catalogue:
    """Return the sandbox's own catalogue."""
    return Catalogue.model_validate(tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8")))


@cache
def whole_catalogue() -> tuple[Application, ...]:
    """Return every application of the sandbox's own catalogue."""
    return bundled_catalogue().applications


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


def _refuse_twice(what: str, ids: list[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise ValueError(f"there are two of {what} {one!r}")
