"""The calls about configs: find or create, replace, read, list, delete, and switch workflows."""

from typing import Any

import pydantic

from cobalt_mirror.cobalt.sandbox import config_values, fields
from cobalt_mirror.cobalt.sandbox.call import Body, Call, Identifier
from cobalt_mirror.cobalt.sandbox.config_values import Values, WorkflowBody
from cobalt_mirror.cobalt.sandbox.connections import record_of_config
from cobalt_mirror.cobalt.sandbox.messages import Refusal
from cobalt_mirror.cobalt.sandbox.state import Account, Config, ConfigKey, WorkflowValues

Labels = dict[str, Any] | list[dict[str, Any]]


class _ConfigBody(Body):
    """The body of a config: the reference has one for both calls, and lets it hold more keys than these."""

    model_config = pydantic.ConfigDict(extra="ignore")

    slug: str
    config_id: Identifier = ""
    connection_id: Identifier | None = None
    labels: Labels = pydantic.Field(
        default_factory=dict, validation_alias=pydantic.AliasChoices("labels", "map_fields_object")
    )
    fields: Values = pydantic.Field(
        default_factory=dict, validation_alias=pydantic.AliasChoices("fields", "application_data_slots")
    )
    workflows: list[WorkflowBody] = pydantic.Field(default_factory=list)


class _ToggleBody(Body):
    enabled: bool


def find_or_create(call: Call) -> dict[str, Any]:
    """POST config."""
    account = call.account_from_header()
    body = call.body(_ConfigBody)
    application = config_values.known_application(call.world, body.slug)
    key = _key_in_body(call, account, body)
    values = config_values.read_values(call.world, application.fields, body.fields)
    workflows = config_values.read_workflows(call.world, application, body.workflows)
    config = account.configs.get(key)
    if config is None:
        config = account.configs[key] = Config(
            id=call.world.new_id(), config_id=key[1], connection_id=key[2], values=values, workflows=workflows
        )
        record_of_config(call.world, "config_created", account, key=key)
    _label(config, body)
    return shown(call, fields.document(call.world.settings, application, config))


def replace(call: Call) -> dict[str, Any]:
    """PUT config: removes what the body leaves out, except for labels."""
    account = call.account_from_header()
    body = call.body(_ConfigBody)
    application = config_values.known_application(call.world, body.slug)
    config = config_values.get_config(account, _key_in_body(call, account, body))
    values = config_values.read_values(call.world, application.fields, body.fields)
    workflows = config_values.read_workflows(call.world, application, body.workflows)
    before = config_values.summary(application, config)
    config.values, config.workflows, config.saved = values, workflows, True
    _label(config, body)
    config_values.record_change(call.world, "config_replaced", account, application, config, before=before)
    return shown(call, fields.document(call.world.settings, application, config))


def read(call: Call) -> dict[str, Any]:
    """GET slug/{slug}/config[/{config_id}]."""
    config = config_values.get_config(*_in_path(call))
    return shown(call, fields.document(call.world.settings, call.world.applications[call.slug], config))


def list_ids(call: Call) -> list[dict[str, Any]]:
    """GET slug/{slug}/configs."""
    account = call.account_from_header()
    connection_id = call.query("connection_id")
    config_values.checked_connection(call.world, account, call.slug, connection_id)
    return [
        {"_id": config.id, **fields.config_ids(config)}
        for key, config in account.configs.items()
        if key[0] == call.slug and connection_id in (None, key[2])
    ]


def remove(call: Call) -> dict[str, Any]:
    """DELETE slug/{slug}/config[/{config_id}]."""
    account, key = _in_path(call)
    config_values.get_config(account, key)
    config_values.delete(call.world, account, key)
    return {"message": "Config deleted."}


def toggle_workflow(call: Call) -> dict[str, Any]:
    """PATCH slug/{slug}/config/{config_id}/workflows/{workflow_id}."""
    account, key = _in_path(call)
    enabled = call.body(_ToggleBody).enabled
    config = config_values.get_config(account, key)
    application = call.world.applications[call.slug]
    workflow = application.find_workflow(call.params["workflow_id"])
    if workflow is None:
        raise Refusal(404, "SERVER_ERROR", f"{application.slug} has no such workflow.")
    before = config_values.summary(application, config)
    chosen = config.workflows.setdefault(workflow.id, WorkflowValues())
    chosen.enabled, config.saved = enabled, True
    config_values.record_change(call.world, "workflow_toggled", account, application, config, before=before)
    document = fields.workflow_document(call.world.settings, workflow, chosen)
    return {"workflows": [{**document, "data_slots": document["fields"]}]}


def shown(call: Call, document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as the header `disable_field_options` wants it: without the options of its fields if `true`."""
    return fields.without_options(document) if call.header_flag("disable_field_options") else document


def _key_in_body(call: Call, account: Account, body: _ConfigBody) -> ConfigKey:
    return config_values.config_key(
        call.world, account, body.slug, config_id=body.config_id, connection_id=body.connection_id
    )


def _in_path(call: Call) -> tuple[Account, ConfigKey]:
    account = call.account_from_header()
    config_id, connection_id = call.params.get("config_id"), call.query("connection_id")
    return account, config_values.config_key(
        call.world, account, call.slug, config_id=config_id, connection_id=connection_id
    )


def _label(config: Config, body: _ConfigBody) -> None:
    if "labels" in body.model_fields_set:
        config.labels = body.labels
