"""Fields of configs: the values they accept, errors of their values, and their form in answers."""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, assert_never

from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field, Workflow
from cobalt_mirror.cobalt.sandbox.messages import bad_request
from cobalt_mirror.cobalt.sandbox.settings import NullValues, PasswordValues, SandboxSettings
from cobalt_mirror.cobalt.sandbox.state import Config, WorkflowValues

MASK = "********"


class Holds(StrEnum):
    """The JSON type of a field's value, as an error names it."""

    TEXT = "a string"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    OBJECT = "an object"
    ANYTHING = "any value"


#: What each field type of the reference holds. A type that is not here holds anything.
HOLDS = {
    **dict.fromkeys(("text", "textarea", "password", "email", "url", "date", "select"), Holds.TEXT),
    "number": Holds.NUMBER,
    "checkbox": Holds.BOOLEAN,
    "map": Holds.OBJECT,
    "map_v2": Holds.OBJECT,
    "json": Holds.ANYTHING,
    "rule_engine": Holds.ANYTHING,
}


def set_value(settings: SandboxSettings, values: dict[str, Any], field: Field, value: Any) -> None:
    """Set one value, or clear it with `null`.

    Raises:
        Refusal: 400 when the JSON type is not the field's, unless the settings take any.
    """
    if value is None and settings.null_values is NullValues.CLEARED:
        values.pop(field.id, None)
        return
    if settings.value_types_checked:
        check_type(field, value)
    values[field.id] = value


def check_type(field: Field, value: Any) -> None:
    """Check that a value is of the field's JSON type, or null.

    Raises:
        Refusal: 400.
    """
    holds = HOLDS.get(field.field_type, Holds.ANYTHING)
    if value is None or holds is Holds.ANYTHING:
        return
    if field.multiple and holds is not Holds.OBJECT:
        if not isinstance(value, list) or not all(_is(holds, item) for item in value):
            raise bad_request(f"{field.id}: must be a list, and each item {holds.value}.")
    elif not _is(holds, value):
        raise bad_request(f"{field.id}: must be {holds.value}.")


def errors(application: Application, config: Config) -> list[dict[str, Any]]:
    """Return what the customer must fix; nothing before the config was saved."""
    if not config.saved:
        return []
    problems = list(_errors_of(application.fields, config.values))
    for workflow in application.workflows:
        chosen = config.workflows.get(workflow.id)
        if chosen is not None:
            problems += _errors_of(workflow.fields, chosen.values, required=chosen.enabled)
    return problems


def document(settings: SandboxSettings, application: Application, config: Config) -> dict[str, Any]:
    """Return a config as the API shows it."""
    return {
        "slug": application.slug,
        **config_ids(config),
        "fields": [field_document(settings, field, config.values) for field in application.fields],
        "workflows": [
            workflow_document(settings, workflow, config.workflows.get(workflow.id) or WorkflowValues())
            for workflow in application.workflows
        ],
        "field_errors": errors(application, config),
    }


def without_options(document: Any) -> Any:
    """Return a document without the options of its fields, and of those of its workflows."""
    if isinstance(document, list):
        return [without_options(each) for each in document]
    if not isinstance(document, dict):
        return document
    nested = {"fields", "workflows", "data_slots"}
    return {
        key: without_options(value) if key in nested else value for key, value in document.items() if key != "options"
    }


def config_ids(config: Config) -> dict[str, Any]:
    """Return a config's id, and its connection's where the application allows several."""
    which = {"connection_id": config.connection_id} if config.connection_id else {}
    return {"config_id": config.config_id, **which}


def workflow_document(settings: SandboxSettings, workflow: Workflow, chosen: WorkflowValues) -> dict[str, Any]:
    """Return a workflow of a config as the API shows it."""
    return {
        "id": workflow.id,
        "name": workflow.name,
        "description": workflow.description,
        "enabled": chosen.enabled,
        "fields": [field_document(settings, field, chosen.values) for field in workflow.fields],
    }


def field_details(settings: SandboxSettings, field: Field, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field as the calls about single fields show it."""
    document = {"hidden": False, **field_document(settings, field, values)}
    return document if field.id in values else {**document, "defaultValue": ""}


def field_document(settings: SandboxSettings, field: Field, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field as the API shows it; `value` is absent if there is none."""
    document = dict(field.skeleton)
    if field.id not in values:
        return document
    value = values[field.id]
    if field.field_type != "password" or value is None or settings.password_values is PasswordValues.SHOWN:
        document["value"] = value
    elif settings.password_values is PasswordValues.MASKED:
        document["value"] = MASK
    return document


def without_secrets(fields: Iterable[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by field id, with those of password fields masked."""
    if not values:
        return {}
    secret = {field.id for field in fields if field.field_type == "password"}
    return {key: MASK if key in secret and value is not None else value for key, value in values.items()}


def _errors_of(
    fields: Iterable[Field], values: Mapping[str, Any], *, required: bool = True
) -> Iterable[dict[str, Any]]:
    for field in fields:
        message = _problem(field, values.get(field.id), required=required and field.required)
        if message is not None:
            yield {"id": field.id, "name": field.name, "error": {"message": message}}


def _problem(field: Field, value: Any, *, required: bool) -> str | None:
    if value is None or value in ("", [], {}):
        return f"{field.name} is required." if required else None
    if field.options and HOLDS.get(field.field_type) is Holds.TEXT:
        offered = [option.value for option in field.options]
        chosen = value if isinstance(value, list) else [value]
        if any(item not in offered for item in chosen):
            return f"{field.name} is not one of the choices."
    return None


def _is(holds: Holds, value: Any) -> bool:
    match holds:
        case Holds.TEXT:
            return isinstance(value, str)
        case Holds.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case Holds.BOOLEAN:
            return isinstance(value, bool)
        case Holds.OBJECT:
            return isinstance(value, dict)
        case Holds.ANYTHING:
            return True
        case _:
            assert_never(holds)
