"""Forms that a customer fills in at random; the same `rng` state gives the same input."""

from collections.abc import Iterator
from random import Random
from typing import Any

from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.events import ConfigChanged


def typed_credentials(application: Application, auth_type: str, *, customer: str) -> dict[str, str]:
    """Return what a customer types in to connect in one way."""
    return {each.name: f"{each.label} of {customer}" for each in application.inputs(auth_type)}


def some_changes(
    rng: Random, linked_account_id: str, application: Application, *, connection_id: str | None = None
) -> Iterator[ConfigChanged]:
    """Return what a customer changes in a config who submits its form several times, partly with the same fields."""
    config_id = f"{linked_account_id} EU" if rng.random() < 0.1 else None
    for _ in range(rng.randint(2, 6)):
        yield ConfigChanged(
            linked_account_id,
            application.slug,
            config_id=config_id,
            fields=some_values(rng, application.fields),
            workflows=some_workflows(rng, application),
            connection_id=connection_id,
        )


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
    if rng.random() < 0.1:
        return None
    if field.options:
        return _choice(rng, field, [option.value for option in field.options])
    match field.field_type:
        case "checkbox":
            return rng.random() < 0.5
        case "number":
            return rng.randint(1, 90)
        case "rule_engine":
            return [{"lhs": rule.value, "operator": rng.choice(rule.operators).value} for rule in field.rules]
        case _:
            return f"{field.name} {rng.randint(1, 99)}"


def _choice(rng: Random, field: Field, offered: list[str]) -> Any:
    if field.labels:  # a mapping
        return {label.value: rng.choice(offered) for label in field.labels}
    return rng.sample(offered, rng.randint(0, len(offered))) if field.multiple else rng.choice(offered)
