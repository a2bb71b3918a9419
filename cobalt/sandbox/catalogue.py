"""The catalogue of applications, read once from ``catalogue.toml``."""

import tomllib
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


class Application(_Value):
    """One application with its ways to connect and the skeleton of its configs.

    Attributes:
        auth: Auth type (`oauth2`, `keybased`) to what the customer types in for it.
        identifier: What a connected account of it is identified by: a string, an object or null.
    """

    slug: str
    name: str
    description: str
    icon: str
    tags: tuple[str, ...]
    auth: dict[Literal["oauth2", "keybased"], tuple[AuthInput, ...]]
    identifier: Literal["string", "object", "null"] = "string"
    fields: tuple[Field, ...]
    workflows: tuple[Workflow, ...]

    def find_field(self, field_id: str) -> Field | None:
        """Return the field, or None if the application does not have it outside its workflows."""
        return next((field for field in self.fields if field.id == field_id), None)

    def find_workflow(self, workflow_id: str) -> Workflow | None:
        """Return the workflow, or None if the application does not have it."""
        return next((workflow for workflow in self.workflows if workflow.id == workflow_id), None)


@cache
def applications() -> tuple[Application, ...]:
    """Return the whole catalogue in its order."""
    raw: dict[str, Any] = tomllib.loads(files(__package__).joinpath("catalogue.toml").read_text("utf-8"))
    return tuple(Application.model_validate(entry) for entry in raw["application"])
