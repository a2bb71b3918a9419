"""Applications of a catalogue, made of Cobalt's answers about them. Values and connections are never taken along."""

from collections.abc import Iterable, Mapping
from typing import Any

from cobalt_mirror.cobalt import models
from cobalt_mirror.cobalt.sandbox.catalogue import (
    Application,
    AuthInput,
    AuthProfile,
    Field,
    Kind,
    Option,
    Rule,
    Workflow,
)

_AUTH_TYPES = ("oauth2", "keybased")


def application_of(answer: models.Application, config: models.Config | None) -> Application | None:
    """Return an application of a catalogue.

    Args:
        answer: The application as an account sees it.
        config: A config of it, which has its fields and workflows; None for an application without any.

    Returns:
        None if it connects in no way that the sandbox has.
    """
    auth = _auth(answer)
    if not auth:
        return None
    profiles = {
        account.auth_profile_id: AuthProfile(
            id=account.auth_profile_id, name=account.auth_profile_name or account.auth_profile_id
        )
        for account in answer.connected_accounts
        if account.auth_profile_id is not None
    }
    return Application.model_validate(
        {
            "slug": answer.slug,
            "app_id": answer.app_id,
            "kind": _kind(answer),
            "name": answer.name,
            "description": answer.description or "",
            "icon": answer.icon or "",
            "tags": answer.tags,
            "auth": auth,
            "has_multi_auth_enabled": answer.has_multi_auth,
            "auth_profiles": tuple(profiles.values()),
            "identifier": _identifier(answer),
            "fields": () if config is None else _fields(config.fields),
            "workflows": () if config is None else tuple(_workflow(workflow) for workflow in config.workflows),
        }
    )


def _auth(answer: models.Application) -> dict[str, tuple[AuthInput, ...]]:
    """Return the inputs of each auth type; the application's own type is the first."""
    offered = dict(answer.auth_type_options)
    if answer.auth_type is not None:
        offered = {answer.auth_type: offered.pop(answer.auth_type, answer.raw.get("auth_input_map")), **offered}
    return {name: tuple(_inputs(inputs)) for name, inputs in offered.items() if name in _AUTH_TYPES}


def _inputs(inputs: object) -> Iterable[AuthInput]:
    for each in inputs if isinstance(inputs, list) else []:
        yield AuthInput(
            name=str(each["name"]),
            label=_text(each, "label") or str(each["name"]),
            type=_text(each, "type") or "text",
            required=bool(each.get("required", True)),
            placeholder=_text(each, "placeholder"),
        )


def _kind(answer: models.Application) -> Kind:
    kind = "custom" if answer.type == "custom" else answer.kind
    return Kind(kind) if kind in set(Kind) else Kind.NATIVE


def _identifier(answer: models.Application) -> str:
    for account in answer.connected_accounts:
        if not isinstance(account.identifier, str):
            return "null" if account.identifier is None else "object"
    return "string"


def _workflow(answer: models.ConfigWorkflow) -> Workflow:
    return Workflow(
        id=answer.id,
        name=answer.name or answer.id,
        description=_text(answer.raw, "description"),
        fields=_fields(answer.fields),
    )


def _fields(answers: Iterable[models.ConfigField]) -> tuple[Field, ...]:
    return tuple(_field(answer) for answer in answers)


def _field(answer: models.ConfigField) -> Field:
    raw = answer.raw
    return Field(
        id=answer.id,
        name=answer.name or answer.id,
        field_type=answer.field_type or "text",
        required=answer.required,
        multiple=bool(raw.get("multiple")),
        hidden=bool(raw.get("hidden")),
        placeholder=_text(raw, "placeholder"),
        help_text=_text(raw, "help_text"),
        parent=_text(raw, "parent"),
        options=_options(raw.get("options")),
        labels=_options(raw.get("labels")),
        rules=tuple(Rule(name=left.name, value=left.value) for left in _left_sides(raw.get("rule_columns"))),
    )


def _left_sides(columns: object) -> tuple[Option, ...]:
    """Return the choices of a rule engine's first column that has any."""
    each = columns if isinstance(columns, list) else []
    return next(filter(None, (_options(column.get("options")) for column in each if isinstance(column, dict))), ())


def _options(options: object) -> tuple[Option, ...]:
    """Return the choices; a name that is missing is the value."""
    if not isinstance(options, list):
        return ()
    pairs = [(each.get("name"), each.get("value")) for each in options if isinstance(each, dict)]
    return tuple(
        Option(name=str(value if name is None else name), value=str(value))
        for name, value in pairs
        if value is not None
    )


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""
