"""The keys that an answer always has: those that all example answers of its operation share.

The reference's description of the API marks no key of an answer as required, so that it allows `{}` for each of them.
"""

from collections import defaultdict
from typing import Any

from tests.facts import example_answers

#: Keys of example answers that an answer may be without, and why.
MAY_BE_ABSENT = {
    "name": "an account may have no name",
    "multiple": "only a field that takes several values has it",
    "options": "only a field with choices has it",
    "value": "only a field with a value has it",
    "defaultValue": "only a field without a value has it",
    "dynamic_slot_identifier": "only a field whose choices the provider names has it",
}
#: Where `name` is an account's.
_ACCOUNTS = ("/linked-account", "/session/active-linked-account")
#: Operations without an example answer, by the keys that the description gives their answers.
STATED = {
    "POST /api/v2/public/event/trigger": {"message"},
    "POST /api/v2/public/event/{}": {"message"},
}
#: Operations that may answer any object, and why.
ANYTHING = {
    "POST /api/v2/public/config/rule-engine/{}": "the description says an object, and no document says of which keys",
}


def anonymous(template: str) -> str:
    """Return a path without the names of its parameters."""
    return "/".join("{}" if segment.startswith("{") else segment for segment in template.split("/"))


def required_keys() -> dict[str, set[str]]:
    """Return the keys that an answer, or each item of a list, has; by method and path, without names of parameters."""
    shared: dict[str, list[set[str]]] = defaultdict(list)
    for example in example_answers():
        if example["status"] == 200:
            path = anonymous(example["path"])
            body = example["body"]
            shared[f"{example['method']} {path}"] += [
                {key for key in item if not _may_be_absent(key, path)}
                for item in (body if isinstance(body, list) else [body])
            ]
    return {call: set.intersection(*items) for call, items in shared.items()} | STATED


def require_keys(described: dict[str, Any]) -> None:
    """Mark the keys of `required_keys` in a description of the API, in each operation's own answer."""
    required = required_keys()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            keys = required.get(f"{method.upper()} {anonymous(path)}")
            if keys:
                content = operation["responses"]["200"]["content"]["application/json"]
                content["schema"] = _requiring(content["schema"], sorted(keys), described)


def _may_be_absent(key: str, path: str) -> bool:
    return key in MAY_BE_ABSENT and (key != "name" or any(part in path for part in _ACCOUNTS))


def _requiring(schema: dict[str, Any], keys: list[str], described: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = described
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found
    if schema.get("type") == "array":
        return {**schema, "items": _requiring(schema["items"], keys, described)}
    return {**schema, "required": keys}
