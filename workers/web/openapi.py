"""The description of the HTTP API, as OpenAPI 3.1: made of the table of operations and of the types of the answers."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cobalt_mirror.events import EVENT_TYPES
from cobalt_mirror.workers.release import release
from cobalt_mirror.workers.web.answers import adapter, components
from cobalt_mirror.workers.web.operation import Answer, Operation
from cobalt_mirror.workers.web.parameters import Parameter

_REF = "#/components/schemas/{model}"
#: The members of an event that CloudEvents has beside `data`.
_ATTRIBUTES = frozenset({"id", "source", "occurred_at", "traceparent"})
_ERROR: Mapping[str, Any] = {
    "type": "object",
    "description": "What is wrong, where, and what to do.",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "index": {"type": "integer", "description": "Of a batch of events: which one is wrong, counted from 0."},
        "resume_after": {"type": "integer", "description": "Of the change feed: the position to go on from."},
    },
}
_NOTIFICATION: Mapping[str, Any] = {
    "type": "object",
    "description": "As Cobalt documents it.",
    "additionalProperties": True,
}
#: The parameters in paths.
_IN_PATH = {
    "account_id": "Your own id of the customer, percent-encoded once: a slash in it is `%2F`.",
    "token": "The token of a reconnect link: whose it is, sealed.",
}


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the description of a table of operations as a document."""
    kinds = {answer.kind: None for each in operations for answer in each.answers if answer.kind is not None}
    schemas, shared = components(list(kinds), _REF)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    named = {**shared, **event_schemas(), "Error": _ERROR, "Notification": _NOTIFICATION}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cobalt-mirror",
            "version": release(),
            "description": "Publish events, read the mirror, follow what changes, and get session tokens for pages.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {name: split_docstring(schema) for name, schema in sorted(named.items())},
            "securitySchemes": {
                guard.variable: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"The value of {guard.variable}, which the operator sets.",
                }
                for guard in (each.guard for each in operations)
                if guard is not None
            },
        },
    }


def _operation(operation: Operation, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "responses": {**_answers(operation.answers, schemas), **_refusals(operation)},
        "security": [{operation.guard.variable: []}] if operation.guard else [],
    }
    if operation.description:
        described["description"] = operation.description
    in_path = [_in_path(name) for name in re.findall(r"{(\w+)}", operation.path)]
    if in_path or operation.parameters:
        described["parameters"] = [*in_path, *map(_parameter, operation.parameters)]
    if operation.bodies:
        content = {media: {"schema": _named(schema)} for media, schema in operation.bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def operation_id(operation: Operation) -> str:
    """Return a name from which generators make that of a function: `get_accounts_history`."""
    steps = re.findall(r"[a-z]+(?![a-z_]*})", operation.path)
    return "_".join([operation.method.lower(), *steps])


def _in_path(name: str) -> dict[str, Any]:
    described = {"name": name, "in": "path", "required": True, "description": _IN_PATH[name]}
    return {**described, "schema": {"type": "string"}}


def _parameter(parameter: Parameter[Any]) -> dict[str, Any]:
    described = {"name": parameter.name, "in": "query", "description": parameter.description}
    return {**described, "schema": dict(parameter.schema)}


def _answers(answers: Iterable[Answer], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    described = {}
    for answer in answers:
        schema = {"type": "string"} if answer.kind is None else schemas[answer.kind]
        content = {} if answer.media_type is None else {"content": {answer.media_type: {"schema": schema}}}
        described[str(answer.status)] = {"description": answer.description, **content}
    return described


def _refusals(operation: Operation) -> dict[str, Any]:
    content = {"application/json": {"schema": _named("Error")}}
    guarded = {401: "The bearer token is wrong.", 403: "The setting that enables this is not set."}
    account = {400: "The id or a parameter cannot be read."} if "{account_id}" in operation.path else {}
    everywhere = {503: "The database failed: ask again later."}
    refusals = {**(guarded if operation.guard else {}), **account, **everywhere, **operation.refusals}
    for answer in operation.answers:
        refusals.pop(answer.status, None)
    return {str(status): {"description": text, "content": content} for status, text in sorted(refusals.items())}


def _named(schema: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=schema)}


def event_schemas() -> dict[str, Any]:
    """Return the schemas of CloudEvents with our events, by name: of any, of a batch, and of each type."""
    schemas: dict[str, Any] = {}
    for type_, kind in EVENT_TYPES.items():
        data = adapter(kind).json_schema(ref_template=_REF)
        schemas.update(data.pop("$defs", {}))
        schemas[kind.__name__] = _cloudevent(type_, data)
    schemas["CloudEvent"] = {"oneOf": [_named(kind.__name__) for kind in EVENT_TYPES.values()]}
    schemas["CloudEventBatch"] = {"type": "array", "items": _named("CloudEvent")}
    return schemas


def _cloudevent(type_: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an event as `read_cloudevent` takes it."""
    split = split_docstring(data)
    own = {name: schema for name, schema in split["properties"].items() if name not in _ATTRIBUTES}
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "type": "object",
        "description": split.pop("description", ""),
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "type": {"const": type_},
            "id": {**text, "description": "Unique within `source`. The same event again does nothing."},
            "source": {**text, "description": "The name of the system that publishes."},
            "time": {"type": "string", "format": "date-time", "description": "When it happened. Default: now."},
            "traceparent": {"description": "The span in which it happened, as W3C Trace Context has it."},
            "data": {**split, "properties": own},
        },
    }


def split_docstring(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose description, a docstring, is shared out among the properties that it describes."""
    text, _, attributes = schema.get("description", "").partition("\n\nAttributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, flags=re.MULTILINE)
    words = {name: _in_json(description) for name, description in entries}
    described = {**schema, "description": _in_json(text)} if text else dict(schema)
    if "properties" in schema:
        described["properties"] = {
            name: {**each, "description": words[name]} if name in words else each
            for name, each in schema["properties"].items()
        }
    return described


def _in_json(text: str) -> str:
    return re.sub(r"\bNone\b", "null", " ".join(text.split()))
