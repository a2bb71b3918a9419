"""The calls about single fields of a config: read, set, clear."""

from dataclasses import dataclass
from typing import Any

from cobalt_mirror.cobalt.sandbox import config_values, fields
from cobalt_mirror.cobalt.sandbox.call import Body, Call
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Field
from cobalt_mirror.cobalt.sandbox.messages import bad_request
from cobalt_mirror.cobalt.sandbox.state import Account, Config, WorkflowValues


class _ValueBody(Body):
    value: Any


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
    return fields.field_details(call.world.settings, field, values)


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
    return fields.field_details(call.world.settings, field, values)


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
