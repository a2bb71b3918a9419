"""Applications of a catalogue, made of Cobalt's answers about them. Values and connections are never taken along."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

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
from cobalt_mirror.cobalt.sandbox.messages import text_of

_AUTH_TYPES = ("oauth2", "keybased")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedApplication:
    """What was made of an application.

    Attributes:
        application: None if it connects in no way that the sandbox has, or if no catalogue can hold it.
        left_out: What no catalogue can hold, a sentence each, which begins with the application's slug.
    """

    application: Application | None
    left_out: tuple[str, ...] = ()


def application_of(answer: models.Application, config: models.Config | None) -> ImportedApplication:
    """Make an application of a catalogue.

    Args:
        answer: The application as an account sees it.
        config: A config of it, which has its fields and workflows; None for an application without any.
    """
    left_out: list[str] = []
    auth = _auth(answer, left_out)
    if not auth:
        return ImportedApplication(application=None)
    try:
        application: Application | None = Application.model_validate(_parts(answer, config, auth, left_out))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        application, left_out = None, [f"the whole application, since {place}: {first['msg']}"]
    return ImportedApplication(application=application, left_out=tuple(f"{answer.slug}: {each}" for each in left_out))


def _parts(
    answer: models.Application,
    config: models.Config | None,
    auth: dict[str, tuple[AuthInput, ...]],
    left_out: list[str],
) -> dict[str, Any]:
    profiles = {
        account.auth_profile_id: AuthProfile(
            id=account.auth_profile_id, name=account.auth_profile_name or account.auth_profile_id
        )
        for account in answer.connected_accounts
        if account.auth_profile_id is not None
    }
    return {
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
        "fields": () if config is None else _fields(config.fields, left_out),
        "workflows": () if config is None else _workflows(config.workflows, left_out),
    }


def _auth(answer: models.Application, left_out: list[str]) -> dict[str, tuple[AuthInput, ...]]:
    """Return the inputs of each auth type; the application's own type is the first."""
    offered = dict(answer.auth_type_options)
    if answer.auth_type is not None:
        offered = {answer.auth_type: offered.pop(answer.auth_type, answer.raw.get("auth_input_map")), **offered}
    return {name: _inputs(inputs, name, left_out) for name, inputs in offered.items() if name in _AUTH_TYPES}


def _inputs(inputs: object, auth_type: str, left_out: list[str]) -> tuple[AuthInput, ...]:
    made: dict[str, AuthInput] = {}
    for place, each in enumerate(inputs if isinstance(inputs, list) else [], start=1):
        name = _text(each, "name") if isinstance(each, Mapping) else ""
        if not name:
            left_out.append(f"input {place} of {auth_type}, which has no name")
        elif name in made:
            left_out.append(f"the second input {name!r} of {auth_type}")
        else:
            made[name] = AuthInput(
                name=name,
                label=_text(each, "label") or name,
                type=_text(each, "type") or "text",
                required=bool(each.get("required", True)),
                placeholder=_text(each, "placeholder"),
                help_text=_text(each, "help_text"),
                options=_options(each.get("options"), f"input {name!r}", left_out),
            )
    return tuple(made.values())


def _kind(answer: models.Application) -> Kind:
    kind = "custom" if answer.type == "custom" else answer.kind
    return Kind(kind) if kind in set(Kind) else Kind.NATIVE


def _identifier(answer: models.Application) -> str:
    for account in answer.connected_accounts:
        if not isinstance(account.identifier, str):
            return "null" if account.identifier is None else "object"
    return "string"


def _workflows(answers: Iterable[models.ConfigWorkflow], left_out: list[str]) -> tuple[Workflow, ...]:
    made: dict[str, Workflow] = {}
    for answer in answers:
        if answer.id in made:
            left_out.append(f"the second workflow {answer.id!r}")
            continue
        missing: list[str] = []
        made[answer.id] = Workflow(
            id=answer.id,
            name=answer.name or answer.id,
            description=_text(answer.raw, "description"),
            fields=_fields(answer.fields, missing),
        )
        left_out += [f"{each} (in the workflow {answer.id!r})" for each in missing]
    return tuple(made.values())


def _fields(answers: Iterable[models.ConfigField], left_out: list[str]) -> tuple[Field, ...]:
    made: dict[str, Field] = {}
    for answer in answers:
        if not answer.id:
            left_out.append(f"the field {answer.name!r}, whose id is empty")
        elif answer.id in made:
            left_out.append(f"the second field {answer.id!r}")
        else:
            made[answer.id] = _field(answer, left_out)
    return tuple(made.values())


def _field(answer: models.ConfigField, left_out: list[str]) -> Field:
    raw, place = answer.raw, f"the field {answer.id!r}"
    left_sides = _left_sides(raw.get("rule_columns"), place, left_out)
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
        options=_options(raw.get("options"), place, left_out),
        labels=_options(raw.get("labels"), place, left_out),
        rules=tuple(Rule(name=left.name, value=left.value) for left in left_sides),
    )


def _left_sides(columns: object, place: str, left_out: list[str]) -> tuple[Option, ...]:
    """Return the choices of a rule engine's first column that has any."""
    each = columns if isinstance(columns, list) else []
    choices = (_options(column.get("options"), place, left_out) for column in each if isinstance(column, dict))
    return next(filter(None, choices), ())


def _options(options: object, place: str, left_out: list[str]) -> tuple[Option, ...]:
    """Return the choices; a name that is missing is the value. What is no text becomes JSON: a catalogue has texts."""
    given = options if isinstance(options, list) else []
    chosen = [each for each in given if isinstance(each, dict) and each.get("value") is not None]
    pairs = [(each.get("name"), each["value"]) for each in chosen]
    if len(chosen) < len(given):
        left_out.append(f"choices of {place} that have no value")
    return tuple(Option(name=text_of(value if name is None else name), value=text_of(value)) for name, value in pairs)


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""
