"""Configs in the state: find, edit and delete them, check the values of a request, and summarize them."""

from copy import deepcopy
from typing import Annotated, Any

import pydantic

from cobalt_mirror.cobalt.sandbox import fields
from cobalt_mirror.cobalt.sandbox.call import Body
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.connections import get_connection, record_of_config
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Config, ConfigKey, WorkflowValues, World


def _as_map(fields: object) -> object:
    """Return values by field id: the reference has lists of fields, its pages and the vendor's clients have maps."""
    if not isinstance(fields, list):
        return fields
    values: dict[str, Any] = {}
    for field in fields:
        if not isinstance(field, dict) or not isinstance(field.get("id"), str):
            raise ValueError("each field of a list must be an object with an id")
        if field["id"] in values:
            raise ValueError(f"{field['id']} appears twice")
        if "value" in field:
            values[field["id"]] = field["value"]
    return values


Values = Annotated[dict[str, Any], pydantic.BeforeValidator(_as_map)]
"""Values by field id, from a map or from a list of fields."""


class WorkflowBody(Body):
    """One workflow in the body of a request, which may hold more keys; `data_slots` is the older name of `fields`."""

    model_config = pydantic.ConfigDict(extra="ignore")

    id: str
    enabled: bool = False
    fields: Values = pydantic.Field(
        default_factory=dict, validation_alias=pydantic.AliasChoices("fields", "data_slots")
    )


def known_application(world: World, slug: str) -> Application:
    """Return the application of a config that is written.

    Raises:
        Refusal: 404 INVALID_APP_ID.
    """
    application = world.find_application(slug)
    if application is None:
        raise Refusal(404, "INVALID_APP_ID", f"There is no application {slug!r}.")
    return application


def config_key(
    world: World, account: Account, slug: str, *, config_id: str | None, connection_id: str | None
) -> ConfigKey:
    """Return the key of the config that a call means; without `config_id`, it is the account's own id.

    Raises:
        Refusal: 400 when the connection is missing for an application with several, or is there for another one; 404
            when there is no such connection.
    """
    checked_connection(world, account, slug, connection_id)
    if not connection_id and _has_several(world, slug):
        raise bad_request(f"connection_id is missing: {slug} has one config for each connection.")
    return slug, config_id or account.linked_account_id, connection_id or ""


def checked_connection(world: World, account: Account, slug: str, connection_id: str | None) -> None:
    """Check the connection that a call about configs names, if it names one.

    Raises:
        Refusal: 400 when the application connects once; 404 when there is no such connection.
    """
    if connection_id is None:
        return
    if not _has_several(world, slug):
        raise bad_request(f"connection_id: {slug} connects once, so leave it out.")
    if connection_id:
        get_connection(account, slug, connection_id)


def get_config(account: Account, key: ConfigKey) -> Config:
    """Return the config.

    Raises:
        Refusal: 404.
    """
    config = account.configs.get(key)
    if config is None:
        raise Refusal(404, "SERVER_ERROR", f"There is no config {key[1]!r} of {key[0]!r}.")
    return config


def ensure(world: World, account: Account, key: ConfigKey) -> None:
    """Create an empty config, unless it is there."""
    if key not in account.configs:
        account.configs[key] = Config(id=world.new_id(), config_id=key[1], connection_id=key[2])
        record_of_config(world, "config_created", account, key=key)


def delete(world: World, account: Account, key: ConfigKey) -> None:
    """Remove one config.

    Raises:
        LookupError: When there is none.
    """
    del account.configs[key]
    record_of_config(world, "config_deleted", account, key=key)


def edit(
    world: World,
    account: Account,
    key: ConfigKey,
    *,
    values: dict[str, Any],
    workflows: dict[str, bool],
    workflow_values: dict[str, dict[str, Any]],
) -> None:
    """Change some values and workflows of a config, as its form in the dashboard does; the others stay.

    Raises:
        LookupError: When there is no such config, field or workflow.
        Refusal: 400 when a value has the wrong type.
    """
    slug = key[0]
    application = world.applications[slug]
    before = summary(application, account.configs[key])
    # Changed in a copy, so that a refusal halfway leaves the config as it was.
    config = deepcopy(account.configs[key])
    for field_id, value in values.items():
        _put_value(world, config.values, application.find_field(field_id), field_id, value)
    for workflow_id in {**workflows, **workflow_values}:
        workflow = application.find_workflow(workflow_id)
        if workflow is None:
            raise LookupError(f"{slug} has no workflow {workflow_id!r}")
        chosen = config.workflows.setdefault(workflow_id, WorkflowValues())
        chosen.enabled = workflows.get(workflow_id, chosen.enabled)
        for field_id, value in workflow_values.get(workflow_id, {}).items():
            _put_value(world, chosen.values, workflow.find_field(field_id), field_id, value)
    config.saved = True
    account.configs[key] = config
    record_change(world, "config_edited", account, application, config, before=before)


def summary(application: Application, config: Config, *, secrets: bool = False) -> dict[str, Any]:
    """Return the values of a config by field id, with every workflow of the application, set or not."""
    chosen = [(workflow, config.workflows.get(workflow.id) or WorkflowValues()) for workflow in application.workflows]
    visible_values = (lambda _, values: dict(values)) if secrets else fields.without_secrets
    return {
        "fields": visible_values(application.fields, config.values),
        "workflows": [
            {"id": workflow.id, "enabled": values.enabled, "fields": visible_values(workflow.fields, values.values)}
            for workflow, values in chosen
        ],
    }


def read_values(world: World, skeleton: tuple[Field, ...], requested: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a request by field id, checked.

    Raises:
        Refusal: 400 for an unknown field or a wrong type.
    """
    if not requested:
        return {}
    by_id = {field.id: field for field in skeleton}
    values: dict[str, Any] = {}
    for field_id, value in requested.items():
        if field_id not in by_id:
            raise unknown_field(field_id)
        fields.set_value(world.settings, values, by_id[field_id], value)
    return values


def read_workflows(world: World, application: Application, bodies: list[WorkflowBody]) -> dict[str, WorkflowValues]:
    """Return the workflows of a request by id, checked.

    Raises:
        Refusal: 400 for an unknown workflow or field, a wrong type, or a workflow that appears twice.
    """
    chosen: dict[str, WorkflowValues] = {}
    for body in bodies:
        workflow = application.find_workflow(body.id)
        if workflow is None:
            raise bad_request(f"{body.id}: there is no such workflow.")
        if body.id in chosen:
            raise bad_request(f"{body.id}: appears twice.")
        chosen[body.id] = WorkflowValues(enabled=body.enabled, values=read_values(world, workflow.fields, body.fields))
    return chosen


def unknown_field(field_id: str) -> Refusal:
    """Return the refusal of a field that the config or workflow does not have."""
    return Refusal(400, "SERVER_ERROR", f"{field_id}: there is no such field.")


def record_change(
    world: World, kind: str, account: Account, application: Application, config: Config, *, before: dict[str, Any]
) -> None:
    """Record that a config changed, with its values before and after."""
    key = (application.slug, config.config_id, config.connection_id)
    record_of_config(world, kind, account, key=key, before=before, after=summary(application, config))


def _put_value(world: World, values: dict[str, Any], field: Field | None, field_id: str, value: Any) -> None:
    if field is None:
        raise LookupError(f"there is no field {field_id!r}")
    fields.set_value(world.settings, values, field, value)


def _has_several(world: World, slug: str) -> bool:
    application = world.applications.get(slug)
    return application is not None and application.has_multi_auth_enabled
