"""What customers type into the form of a config: at random, and the same again for the same chance."""

from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field


def some_values(chance: Random, fields: tuple[Field, ...]) -> dict[str, Any]:
    """Values for some of the fields; None clears one."""
    return {one.id: _value(chance, one) for one in fields if chance.random() < 0.6}


def some_workflows(chance: Random, application: Application) -> list[Any]:
    """Changes of some of the workflows."""
    return [
        {"id": one.id, "enabled": chance.random() < 0.5, "fields": some_values(chance, one.fields)}
        for one in application.workflows
        if chance.random() < 0.3
    ]


def _value(chance: Random, one: Field) -> Any:
    choices = [option.value for option in one.options]
    match one.field_type:
        case _ if chance.random() < 0.1:
            return None
        case "select":
            return chance.choice(choices)
        case "multiselect":
            return chance.sample(choices, chance.randint(0, len(choices)))
        case "checkbox":
            return chance.random() < 0.5
        case "number":
            return chance.randint(1, 90)
        case _:
            return f"{one.name} {chance.randint(1, 99)}"
