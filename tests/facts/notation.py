"""A notation for operations: names and types only.

A type is `text`, `time`, `address`, `number`, `integer`, `boolean`, `any`, a choice such as `a|b`, `[type]` for a list,
or an object of types. A `!` after a key says that it is required, a `?` after a type, or as a second element of a list,
that null is fine as well. The key `*` has the type of all other keys; without it, nothing is said of them.
"""

from collections.abc import Callable, Iterable
from typing import Any

_TYPES = {
    ("string", None): "text",
    ("string", "date-time"): "time",
    ("string", "uri"): "address",
    ("number", None): "number",
    ("integer", None): "integer",
    ("boolean", None): "boolean",
}
_NAMES = {name: kind for kind, name in _TYPES.items()}
_ACCESS = {"Org API Key": "key", "Linked Account Token": "token"}
_PLACES = ("path", "query", "header")
_JSON = "application/json"

Resolve = Callable[[dict[str, Any]], dict[str, Any]]


def operation_facts(operation: dict[str, Any], resolve: Resolve) -> dict[str, Any]:
    """Return an operation of an OpenAPI description in this notation."""
    parameters = [resolve(parameter) for parameter in operation.get("parameters", [])]
    facts: dict[str, Any] = {"by": sorted({_ACCESS[name] for each in operation["security"] for name in each})}
    for place in _PLACES:
        named = {
            f"{each['name']}!" if each.get("required") else each["name"]: notation_of(each["schema"], resolve)
            for each in parameters
            if each["in"] == place
        }
        facts |= {place: named} if named else {}
    if "requestBody" in operation:
        body = resolve(operation["requestBody"])
        key = "body!" if body.get("required") else "body"
        facts[key] = notation_of(body["content"][_JSON]["schema"], resolve)
    return {**facts, "answer": notation_of(operation["responses"]["200"]["content"][_JSON]["schema"], resolve)}


def description_of(facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the OpenAPI description of operations in this notation."""
    paths: dict[str, dict[str, Any]] = {}
    for call, each in facts.items():
        method, path = call.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(each)
    key = {"type": "apiKey", "in": "header", "name": "x-api-key"}
    schemes = {"key": key, "token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Facts", "version": "1"},
        "servers": [{"url": "https://app.refold.ai"}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


def notation_of(schema: dict[str, Any], resolve: Resolve) -> Any:
    """Return a schema of an OpenAPI description in this notation."""
    schema = resolve(schema)
    if "allOf" in schema:
        parts = [notation_of(each, resolve) for each in schema["allOf"]]
        return _marked({key: value for part in parts for key, value in part.items()}, schema)
    match schema.get("type"):
        case "array":
            element = notation_of(schema.get("items", {}), resolve)
            return [element, "?"] if schema.get("nullable") else [element]
        case "object":
            return _object(schema, resolve)
        case None:
            return "any"
        case kind:
            name = "|".join(schema["enum"]) if "enum" in schema and kind == "string" else _type(schema)
            return f"{name}?" if schema.get("nullable") else name


def _type(schema: dict[str, Any]) -> str:
    kind, form = schema["type"], schema.get("format")
    return _TYPES.get((kind, form)) or _TYPES[kind, None]


def _object(schema: dict[str, Any], resolve: Resolve) -> dict[str, Any]:
    properties = {name: notation_of(each, resolve) for name, each in schema.get("properties", {}).items()}
    keys = _marked(properties, schema)
    match schema.get("additionalProperties"):
        case True:
            keys["*"] = "any"
        case dict() as others:
            keys["*"] = notation_of(others, resolve)
    return keys


def _marked(properties: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return properties by key, with a `!` after each that the schema requires; of some it has no type."""
    required = schema.get("required", [])
    keys = {f"{name}!" if name in required else name: each for name, each in properties.items()}
    return keys | {f"{name}!": "any" for name in required if _bare(name) not in {_bare(key) for key in properties}}


def _schema(notation: Any) -> dict[str, Any]:
    match notation:
        case [element, *nullable]:
            return {"type": "array", "items": _schema(element), "nullable": bool(nullable)}
        case dict():
            named = {key: each for key, each in notation.items() if key != "*"}
            schema: dict[str, Any] = {
                "type": "object",
                "properties": {_bare(key): _schema(named[key]) for key in named},
            }
            required = _required(named)
            schema |= {"required": required} if required else {}
            return {**schema, "additionalProperties": _schema(notation["*"])} if "*" in notation else schema
        case "any":
            return {}
        case str():
            return _scalar(notation.removesuffix("?"), nullable=notation.endswith("?"))
        case _:
            raise AssertionError(notation)


def _scalar(name: str, *, nullable: bool) -> dict[str, Any]:
    if name not in _NAMES:
        return {"type": "string", "enum": name.split("|"), "nullable": nullable}
    kind, form = _NAMES[name]
    return {"type": kind, "nullable": nullable, **({} if form is None else {"format": form})}


def _operation(facts: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": _bare(name), "in": place, "required": name.endswith("!"), "schema": _schema(kind)}
        for place in _PLACES
        for name, kind in facts.get(place, {}).items()
    ]
    answer = {"description": "", "content": {_JSON: {"schema": _schema(facts["answer"])}}}
    operation = {
        "security": [{name: []} for name in facts["by"]],
        "parameters": parameters,
        "responses": {"200": answer},
    }
    for key in ("body", "body!"):
        if key in facts:
            content = {_JSON: {"schema": _schema(facts[key])}}
            operation["requestBody"] = {"required": key.endswith("!"), "content": content}
    return operation


def _bare(key: str) -> str:
    return key.removesuffix("!")


def _required(keys: Iterable[str]) -> list[str]:
    return [_bare(key) for key in keys if key.endswith("!")]
