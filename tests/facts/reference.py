"""The facts as the reference beside this clone has them now."""

import json
from typing import Any

from cobalt_mirror.cobalt.sandbox.routes import ROUTES
from tests.facts import EXAMPLES, shape
from tests.facts.notation import operation_facts
from tests.facts.required import anonymous
from tests.unit.cobalt.description import corrected_description


def operations_of_the_reference() -> dict[str, dict[str, Any]]:
    """Return the facts of each operation that the sandbox serves, by method and path."""
    described = corrected_description()

    def resolve(part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            found: Any = described
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    served = {(route.method.lower(), anonymous(route.template)) for route in ROUTES}
    return {
        f"{method.upper()} {path}": operation_facts(operation, resolve)
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if (method, anonymous(path)) in served
    }


def answers_of_the_reference() -> list[dict[str, Any]]:
    """Return the facts of each example answer, in the order of the reference."""
    examples: list[dict[str, Any]] = json.loads(EXAMPLES.read_text("utf-8"))
    return [
        {"method": each["method"], "path": each["path"], "label": each["label"], "status": each["status"]}
        | {"body": shape(each["body"])}
        for each in examples
    ]
