"""Configs: find or create, replace, read, list, delete, and single fields and workflows."""

from copy import deepcopy
from typing import Any

import pydantic

from cobalt_mirror.cobalt.sandbox import fields
from cobalt_mirror.cobalt.sandbox.call import Body, Call, Identifier
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.connections import record
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Config, WorkflowValues, World


class _WorkflowBody(Body):
    id: str
    enabled: bool = False
    fields: dict[str, Any] = pydantic.Field(default_factory=dict)


class _FindBody(Body):
    slug: str
    config_id: Identifier = ""
    labels: dict[str, Any] | list[dict[str, Any]] = pydantic.Field(default_factory=dict)
    workflows: list[_WorkflowBody] = pydantic.Field(default_factory=list)


class _ReplaceBody(Body):
    slug: str
    config_id: Identifier = ""
    fields: dict[str, Any] = pydantic.Field(default_factory=dict)
    workflows: list[_WorkflowBody] = pydantic.Field(default_factory=list)


class _ToggleBody(Body):
    enabled: bool


class _ValueBody(Body):
    value: Any


def find_or_create(call: Call) -> dict[str, Any]:
    """POST config."""
    account = call.account_from_header()
    body = call.body(_FindBody)
    application = _known_application(call.world, body.slug)
    config_id = body.config_id or account.linked_account_id
    config = account.configs.get((application.slug, config_id))
    if config is None:
        workflows = _workflow_values(call.world, application, body.workflows)
        config = Config(id=call.world.new_id(), config_id=config_id, workflows=workflows)
        account.configs[(application.slug, config_id)] = config
        record(call.world, "config_created", account, application.slug, config_id=config_id)
    return fields.document(call.world.settings, application, config)


def replace(call: Call) -> dict[str, Any]:
    """PUT config: removes what the body leaves out."""
    account = call.account_from_header()
    body = call.body(_ReplaceBody)
    application = _known_application(call.world, body.slug)
    config = _get(account, application.slug, body.config_id or account.linked_account_id)
    values = _values(call.world, application.fields, body.fields)
    workflows = _workflow_values(call.world, application, body.workflows)
    before = summary(application, config)
    config.values, config.workflows, config.saved = values, workflows, True
    _record_change(call.world, "config_replaced", account, application, config, before=before)
    return fields.document(call.world.settings, application, config)


def read(call: Call) -> dict[str, Any]:
    """GET slug/{slug}/config[/{config_id}]."""
    account = call.account_from_header()
    config = _config_in_path(call, account)
    return fields.document(call.world.settings, call.world.applications[call.slug], config)


def list_ids(call: Call) -> list[dict[str, Any]]:
    """GET slug/{slug}/configs."""
    account = call.account_from_header()
    return [
        {"_id": config.id, "config_id": config.config_id}
        for (slug, _), config in account.configs.items()
        if slug == call.slug
    ]


def remove(call: Call) -> dict[str, Any]:
    """DELETE slug/{slug}/config[/{config_id}]."""
    account = call.account_from_header()
    config = _config_in_path(call, account)
    delete(call.world, account, call.slug, config.config_id)
    return {"message": "Config deleted."}


def toggle_workflow(call: Call) -> dict[str, Any]:
    """PATCH slug/{slug}/config/{config_id}/workflows/{workflow_id}."""
    account = call.account_from_header()
    enabled = call.body(_ToggleBody).enabled
    config = _config_in_path(call, account)
    application = call.world.applications[call.slug]
    workflow = application.find_workflow(call.params["workflow_id"])
    if workflow is None:
        raise Refusal(404, "WORKFLOW_NOT_FOUND", f"{application.slug} has no such workflow.")
    before = summary(application, config)
    chosen = config.workflows.setdefault(workflow.id, WorkflowValues())
    chosen.enabled, config.saved = enabled, True
    _record_change(call.world, "workflow_toggled", account, application, config, before=before)
    field_documents = [fields.field_document(call.world.settings, field, chosen.values) for field in workflow.fields]
    return {"workflows": [{"id": workflow.id, "enabled": enabled, "data_slots": field_documents}]}


def set_field(call: Call) -> dict[str, Any]:
    """PUT config/field/{field_id}."""
    account = call.account_from_header()
    value = call.body(_ValueBody).value
    return _write_field(call, account, "field_set", value)


def clear_field(call: Call) -> dict[str, Any]:
    """DELETE config/field/{field_id}."""
    return _write_field(call, call.account_from_header(), "field_cleared", None, clear=True)


def delete(world: World, account: Account, slug: str, config_id: str) -> None:
    """Remove one config.

    Raises:
        LookupError: When there is none.
    """
    del account.configs[(slug, config_id)]
    record(world, "config_deleted", account, slug, config_id=config_id)


def edit(
    world: World,
    account: Account,
    slug: str,
    *,
    config_id: str,
    values: dict[str, Any],
    workflows: dict[str, bool],
    workflow_values: dict[str, dict[str, Any]],
) -> None:
    """Change some values and workflows of a config, as its form in the dashboard does; the others stay.

    Raises:
        LookupError: When there is no such config, field or workflow.
        Refusal: 400 when a value has the wrong type.
    """
    application = world.applications[slug]
    before = summary(application, account.configs[(slug, config_id)])
    # Changed in a copy, so that a refusal halfway leaves the config as it was.
    config = deepcopy(account.configs[(slug, config_id)])
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
    account.configs[(slug, config_id)] = config
    _record_change(world, "config_edited", account, application, config, before=before)


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


def _write_field(call: Call, account: Account, kind: str, value: Any, *, clear: bool = False) -> dict[str, Any]:
    slug = call.request.headers.get("slug")
    if not slug:
        raise bad_request("The header slug is missing.")
    application = _known_application(call.world, slug)
    config = _get(account, slug, call.query("config_id") or account.linked_account_id)
    field, values = _field_and_values(application, config, call.params["field_id"], call.query("workflow_id"))
    before = summary(application, config)
    if clear:
        values.pop(field.id, None)
    else:
        fields.set_value(call.world.settings, values, field, value)
    config.saved = True
    _record_change(call.world, kind, account, application, config, before=before)
    return fields.field_document(call.world.settings, field, values)


def _field_and_values(
    application: Application, config: Config, field_id: str, workflow_id: str | None
) -> tuple[Field, dict[str, Any]]:
    if workflow_id is None:
        field, values = application.find_field(field_id), config.values
    else:
        workflow = application.find_workflow(workflow_id)
        field = None if workflow is None else workflow.find_field(field_id)
        values = config.values if field is None else config.workflows.setdefault(workflow_id, WorkflowValues()).values
    if field is None:
        raise Refusal(
            404, "FIELD_NOT_FOUND", f"{application.slug} has no field {field_id!r} in this config or workflow."
        )
    return field, values


def _known_application(world: World, slug: str) -> Application:
    application = world.find_application(slug)
    if application is None:
        raise Refusal(404, "INVALID_APP_ID", f"There is no application {slug!r}.")
    return application


def _get(account: Account, slug: str, config_id: str) -> Config:
    config = account.configs.get((slug, config_id))
    if config is None:
        raise Refusal(404, "CONFIG_NOT_FOUND", f"There is no config {config_id!r} of {slug!r}.")
    return config


def _config_in_path(call: Call, account: Account) -> Config:
    return _get(account, call.slug, call.params.get("config_id", account.linked_account_id))


def _values(world: World, skeleton: tuple[Field, ...], requested: dict[str, Any]) -> dict[str, Any]:
    if not requested:
        return {}
    by_id = {field.id: field for field in skeleton}
    values: dict[str, Any] = {}
    for field_id, value in requested.items():
        if field_id not in by_id:
            raise bad_request(f"{field_id}: there is no such field.")
        fields.set_value(world.settings, values, by_id[field_id], value)
    return values


def _workflow_values(world: World, application: Application, bodies: list[_WorkflowBody]) -> dict[str, WorkflowValues]:
    chosen: dict[str, WorkflowValues] = {}
    for body in bodies:
        workflow = application.find_workflow(body.id)
        if workflow is None:
            raise bad_request(f"{body.id}: there is no such workflow.")
        if body.id in chosen:
            raise bad_request(f"{body.id}: appears twice.")
        chosen[body.id] = WorkflowValues(enabled=body.enabled, values=_values(world, workflow.fields, body.fields))
    return chosen


def _put_value(world: World, values: dict[str, Any], field: Field | None, field_id: str, value: Any) -> None:
    if field is None:
        raise LookupError(f"there is no field {field_id!r}")
    fields.set_value(world.settings, values, field, value)


def _record_change(
    world: World, kind: str, account: Account, application: Application, config: Config, *, before: dict[str, Any]
) -> None:
    after = summary(application, config)
    record(world, kind, account, application.slug, config_id=config.config_id, before=before, after=after)
