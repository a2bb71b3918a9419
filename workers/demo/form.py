"""Random input for the form of a config; the same `rng` state gives the same input."""

from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field


def some_values(rng: Random, fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return values for some of the fields; None clears a field."""
    return {field.id: _value(rng, field) for field in fields if rng.random() < 0.6}


def some_workflows(rng: Random, application: Application) -> list[Any]:
    """Return changes to some of the workflows."""
    return [
        {"id": workflow.id, "enabled": rng.random() < 0.5, "fields": some_values(rng, workflow.fields)}
        for workflow in application.workflows
        if rng.random() < 0.3
    ]


def _value(rng: Random, field: Field) -> Any:
    choices = [option.value for option in field.options]
    match field.field_type:
        case _ if rng.random() < 0.1:
            return None
        case "select":
            return rng.choice(choices)
        case "multiselect":
            return rng.sample(choices, rng.randint(0, len(choices)))
        case "checkbox":
            return rng.random() < 0.5
        case "number":
            return rng.randint(1, 90)
        case _:
            return f"{field.name} {rng.randint(1, 99)}"
