"""The form for the settings of an application, made of its config's schema, and what a customer changed in it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from cobalt_mirror.db import MirroredConfig
from cobalt_mirror.db.forms import SECRET_TYPES
from cobalt_mirror.events.size import LARGEST_PAYLOAD, payload_size
from cobalt_mirror.events.values import is_value
from cobalt_mirror.workers.web.page.submitted import Submitted


class Kind(StrEnum):
    """What a field is filled in with."""

    TEXT = "text"
    LINES = "lines"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    CHOICES = "choices"
    PASSWORD = "password"  # noqa: S105 - a kind of field
    #: A mapping, rules or JSON: these are made at Cobalt's own page, and stay as they are.
    ELSEWHERE = "elsewhere"


#: The type of the input for a field type of Cobalt's; any other that holds a text has `text`.
_INPUT_TYPES = {"email": "email", "url": "url", "date": "date"}
_ELSEWHERE = frozenset({"map", "map_v2", "rule_engine", "json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice: what it is called, and the value that it stands for."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of the form.

    Attributes:
        value: What the mirror shows; None: nothing. A password is never shown.
        errors: What Cobalt says about the value.
    """

    id: str
    name: str
    kind: Kind
    input_type: str = "text"
    is_required: bool = False
    help_text: str = ""
    placeholder: str = ""
    options: Sequence[Option] = ()
    value: Any = None
    errors: Sequence[str] = ()

    def is_chosen(self, option: Option) -> bool:
        """Return whether a choice is made."""
        return option.value in self.value if isinstance(self.value, list) else option.value == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The fields of the config itself (`workflow_id` is None), or those of one workflow."""

    workflow_id: str | None
    name: str = ""
    enabled: bool = True
    inputs: Sequence[Input] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of one config."""

    slug: str
    connection_id: str
    parts: Sequence[Part]

    @property
    def faults(self) -> int:
        """Return how many fields have to be corrected."""
        return sum(bool(each.errors) for part in self.parts for each in part.inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a customer changed: for the event, or the sentence for each field that cannot be saved."""

    fields: dict[str, Any] = field(default_factory=dict)
    workflows: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, str | None]] = field(default_factory=list)


class WrongValue(ValueError):
    """A value that a field does not take. The text says what it takes."""


def make_form(config: MirroredConfig) -> Form:
    """Make the form of a config as the mirror shows it."""
    messages: dict[str, list[str]] = {}
    for error in config.field_errors:
        message = (error.get("error") or {}).get("message") or "This value has to be corrected."
        messages.setdefault(str(error.get("id")), []).append(str(message))
    mirrored = {each["id"]: each for each in config.workflows}
    own = Part(workflow_id=None, inputs=_inputs(config.schema.get("fields", []), config.fields, messages))
    parts = [own] if own.inputs else []
    for each in config.schema.get("workflows", []):
        values = mirrored.get(each["id"], {})
        inputs = _inputs(each.get("fields", []), values.get("fields") or {}, messages)
        name, enabled = str(each.get("name") or each["id"]), bool(values.get("enabled"))
        parts.append(Part(workflow_id=each["id"], name=name, enabled=enabled, inputs=inputs))
    return Form(slug=config.slug, connection_id=config.connection_id, parts=parts)


def _inputs(
    fields: Iterable[Mapping[str, Any]], values: Mapping[str, Any], messages: Mapping[str, list[str]]
) -> list[Input]:
    return [
        make_input(each, values.get(each["id"]), messages.get(each["id"], []))
        for each in fields
        if not each.get("hidden")
    ]


def make_input(schema: Mapping[str, Any], value: Any, errors: Sequence[str] = ()) -> Input:
    """Make an input of a field's schema."""
    options = list(_options(schema.get("options")))
    kind = kind_of(schema, has_options=bool(options))
    return Input(
        id=schema["id"],
        name=str(schema.get("name") or schema["id"]),
        kind=kind,
        input_type=_INPUT_TYPES.get(str(schema.get("field_type")), "text"),
        is_required=bool(schema.get("required")),
        help_text=str(schema.get("help_text") or ""),
        placeholder=str(schema.get("placeholder") or ""),
        options=options,
        value=None if kind is Kind.PASSWORD else value,
        errors=errors,
    )


def kind_of(schema: Mapping[str, Any], *, has_options: bool) -> Kind:
    """Return what a field is filled in with."""
    field_type = str(schema.get("field_type")).lower()
    simple = {"textarea": Kind.LONG_TEXT, "number": Kind.NUMBER, "checkbox": Kind.SWITCH}
    if field_type in SECRET_TYPES:
        return Kind.PASSWORD
    if field_type in _ELSEWHERE or (schema.get("multiple") and field_type in {"number", "checkbox"}):
        return Kind.ELSEWHERE
    if has_options:
        return Kind.CHOICES if schema.get("multiple") else Kind.CHOICE
    return Kind.LINES if schema.get("multiple") else simple.get(field_type, Kind.TEXT)


def _options(options: Any) -> Iterator[Option]:
    for each in options if isinstance(options, list) else []:
        value = each.get("value", each.get("name")) if isinstance(each, Mapping) else each
        name = each.get("name") if isinstance(each, Mapping) else each
        yield Option(name=str(value if name is None else name), value=value)


def read_changes(form: Form, submitted: Submitted) -> Changes:
    """Read what a customer changed.

    Returns:
        The changes for the event; with errors, if a field cannot be saved, or if one that is required stays empty.

    Raises:
        LookupError: the form has no such field: it was made of another schema.
    """
    parts = {part.workflow_id: part for part in form.parts}
    changes = Changes()
    patches: dict[str, dict[str, Any]] = {}
    for workflow_id, enabled in submitted.enabled.items():
        patches[parts[workflow_id].workflow_id or ""] = {"id": workflow_id, "enabled": enabled}
    for answer in submitted.answers:
        input_ = next((each for each in parts[answer.workflow].inputs if each.id == answer.field), None)
        if input_ is None or input_.kind is Kind.ELSEWHERE:
            raise LookupError(answer.field)
        try:
            value = read_value(input_, answer.values)
        except WrongValue as error:
            changes.errors.append(_error(answer.workflow, answer.field, str(error)))
            continue
        if answer.workflow is None:
            changes.fields[answer.field] = value
        else:
            patch = patches.setdefault(answer.workflow, {"id": answer.workflow})
            patch.setdefault("fields", {})[answer.field] = value
    changes.workflows.extend(patches.values())
    changes.errors.extend(_missing(form, submitted))
    changes.errors.extend(_too_long(parts, submitted, changes))
    return changes


def _too_long(
    parts: Mapping[str | None, Part], submitted: Submitted, changes: Changes
) -> Iterator[dict[str, str | None]]:
    """Yield an error for the longest answer, if the changes are more than an event may hold."""
    content = {**submitted.connection(), "fields": changes.fields, "workflows": changes.workflows}
    if submitted.answers and payload_size(content) > LARGEST_PAYLOAD:
        longest = max(submitted.answers, key=lambda answer: sum(map(len, answer.values)))
        name = next(each.name for each in parts[longest.workflow].inputs if each.id == longest.field)
        yield _error(longest.workflow, longest.field, f"{name} is too long; shorten it.")


def _missing(form: Form, submitted: Submitted) -> Iterator[dict[str, str | None]]:
    """Yield an error for each required field that is empty and was left so. A stored password cannot be seen."""
    answered = {(answer.workflow, answer.field) for answer in submitted.answers}
    for part in form.parts:
        if part.workflow_id is None or submitted.enabled.get(part.workflow_id, part.enabled):
            for each in part.inputs:
                is_seen = each.kind not in {Kind.PASSWORD, Kind.ELSEWHERE, Kind.SWITCH}
                is_empty = each.value in (None, "", [])
                if each.is_required and is_seen and is_empty and (part.workflow_id, each.id) not in answered:
                    yield _error(part.workflow_id, each.id, f"{each.name} is required.")


def _error(workflow: str | None, field_id: str, message: str) -> dict[str, str | None]:
    return {"workflow": workflow, "field": field_id, "message": message}


def read_value(input_: Input, values: Sequence[str]) -> Any:
    """Return the value that a field was filled in with; None clears it.

    Raises:
        WrongValue: the field does not take it.
    """
    value = _value(input_, values)
    if value is None and input_.is_required:
        raise WrongValue(f"{input_.name} is required.")
    if not is_value(value):
        raise WrongValue(
            "Enter a number with fewer digits."
            if input_.kind is Kind.NUMBER
            else f"{input_.name} has a character that cannot be saved; type it in again."
        )
    return value


def _value(input_: Input, values: Sequence[str]) -> Any:
    texts = [text for text in values if text.strip()]
    match input_.kind:
        case Kind.SWITCH:
            return bool(values)
        case Kind.NUMBER:
            return read_number(texts[0]) if texts else None
        case Kind.CHOICE:
            return _choice(input_, texts[0]) if texts else None
        case Kind.CHOICES:
            return [_choice(input_, text) for text in texts] or None
        case Kind.LINES:
            return [line.strip() for text in texts for line in text.splitlines() if line.strip()] or None
        case Kind.TEXT | Kind.LONG_TEXT | Kind.PASSWORD | Kind.ELSEWHERE:
            return texts[0] if texts else None
    assert_never(input_.kind)


def _choice(input_: Input, text: str) -> Any:
    for option in input_.options:
        if str(option.value) == text:
            return option.value
    raise WrongValue(f"{input_.name} is not one of the choices.")


def read_number(text: str) -> int | float:
    """Return a number as JSON has it.

    Raises:
        WrongValue: it is none, or it is infinite.
    """
    for kind in (int, float):
        try:
            number = kind(text)
            if math.isfinite(number):
                return number
        except (ValueError, OverflowError):  # the latter of a whole number that no float can hold
            continue
    raise WrongValue("Enter a number.")
