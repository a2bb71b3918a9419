"""The calls about single fields of a config: read, set, clear."""

from dataclasses import dataclass
from typing import Any

from cobalt_mirror.cobalt.sandbox import config_values, configs, fields
from cobalt_mirror.cobalt.sandbox.call import Body, Call
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Config, WorkflowValues


class _ValueBody(Body):
    value: Any = None  # the reference does not require it


class _RuleBody(Body):
    rule_column: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """The config that a call means."""

    account: Account
    application: Application
    config: Config


def list_all(call: Call) -> dict[str, Any]:
    """POST config/field: the fields of the whole config."""
    place = _place(call)
    document = fields.document(call.world.settings, place.application, place.config)
    details = [
        fields.field_details(call.world.settings, field, place.config.values) for field in place.application.fields
    ]
    return {**document, "fields": details}


def read(call: Call) -> dict[str, Any]:
    """POST config/field/{field_id}."""
    place = _place(call)
    field, values = _field_and_values(call, place)
    return _details(call, field, values)


def rule_options(call: Call) -> dict[str, Any]:
    """POST config/rule-engine/{field_id}: the left sides, or what goes with the one in `rule_column.lhs`."""
    place = _place(call)
    column = call.body(_RuleBody).rule_column
    field, _ = _field_and_values(call, place)
    if field.field_type != "rule_engine" or not field.rules:
        raise Refusal(400, "SERVER_ERROR", f"{field.id}: is no rule engine, or has no columns.")
    if "lhs" not in column:
        return {"options": [rule.model_dump(include={"name", "value"}) for rule in field.rules]}
    rule = field.find_rule(column["lhs"])
    if rule is None:
        raise bad_request(f"rule_column.lhs: {field.id} has no such left side.")
    right = [option.model_dump() for option in rule.options]
    operators = [operator.model_dump() for operator in rule.operators]
    return {
        "rule_column": {
            "rhs": {"name": "RHS", "type": "select" if right else "text", "options": right},
            "operator": {"name": "Operator", "type": "select", "options": operators},
        },
        "conditional_code_stdout": [],
    }


def set_value(call: Call) -> dict[str, Any]:
    """PUT config/field/{field_id}."""
    place = _place(call)
    return _write(call, place, "field_set", call.body(_ValueBody).value)


def clear(call: Call) -> dict[str, Any]:
    """DELETE config/field/{field_id}."""
    return _write(call, _place(call), "field_cleared", None, clear=True)


def _write(call: Call, place: _Place, kind: str, value: Any, *, clear: bool = False) -> dict[str, Any]:
    field, values = _field_and_values(call, place)
    before = config_values.summary(place.application, place.config)
    if clear:
        values.pop(field.id, None)
    else:
        fields.set_value(call.world.settings, values, field, value)
    place.config.saved = True
    config_values.record_change(call.world, kind, place.account, place.application, place.config, before=before)
    return _details(call, field, values)


def _details(call: Call, field: Field, values: dict[str, Any]) -> dict[str, Any]:
    return configs.shown(call, fields.field_details(call.world.settings, field, values))


def _place(call: Call) -> _Place:
    account = call.account_from_header()
    slug = call.request.headers.get("slug")
    if not slug:
        raise bad_request("The header slug is missing.")
    application = config_values.known_application(call.world, slug)
    key = config_values.config_key(
        call.world, account, slug, config_id=call.query("config_id"), connection_id=call.query("connection_id")
    )
    return _Place(account=account, application=application, config=config_values.get_config(account, key))


def _field_and_values(call: Call, place: _Place) -> tuple[Field, dict[str, Any]]:
    field_id, workflow_id = call.params["field_id"], call.query("workflow_id")
    config = place.config
    if workflow_id is None:
        field, values = place.application.find_field(field_id), config.values
    else:
        workflow = place.application.find_workflow(workflow_id)
        field = None if workflow is None else workflow.find_field(field_id)
        values = config.values if field is None else config.workflows.setdefault(workflow_id, WorkflowValues()).values
    if field is None:
        raise config_values.unknown_field(field_id)
    return field, values
