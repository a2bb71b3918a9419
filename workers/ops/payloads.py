"""What an operator may see of an event's payload: unsealed for who has the keys, without the values of passwords."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from cobalt_mirror.db.errors import CannotUnseal
from cobalt_mirror.db.forms import Place, find_fields
from cobalt_mirror.db.host_columns import Unreadable
from cobalt_mirror.db.log import Key
from cobalt_mirror.db.vault import Vault

#: What stands for a value that is not shown.
MASK = "***"


def show_payloads(
    connection: Connection, payloads: Mapping[Key, tuple[str, str | None, Any]], vault: Vault
) -> dict[Key, Any]:
    """Return payloads as an operator may see them.

    Args:
        connection: a transaction, in which the mirror says which fields are passwords.
        payloads: for each event, its account, its application and its payload as it is stored.
        vault: the keys that open what is sealed.
    """
    names = {(account, slug) for account, slug, _ in payloads.values() if slug}
    subjects = {name for name in names if all(isinstance(part, str) for part in name)}  # SQLite also holds bytes
    fields = find_fields(connection, subjects) if subjects else {}
    return {
        key: show_payload(payload, slug=slug or "", fields=fields, vault=vault)
        for key, (_, slug, payload) in payloads.items()
    }


def show_payload(payload: Any, *, slug: str, fields: Mapping[Place, bool], vault: Vault) -> Any:
    """Return a payload as an operator may see it.

    A password is masked, and so are credentials. Of what was sealed, only a value is shown of which a form says that it
    is no password: any other may be one.

    Args:
        payload: as it is stored.
        slug: the application; empty: the event is about the account itself.
        fields: the fields of forms that the mirror knows, each with whether it is a password.
        vault: the keys that open what is sealed.
    """
    if isinstance(payload, Unreadable):
        return f"cannot be read: {payload.reason}"
    if not isinstance(payload, dict):
        return payload
    plain = {name: value for name, value in payload.items() if name != "sealed"}
    shown = _masked(plain, lambda workflow, name: fields.get((slug, workflow, name), False))
    if "sealed" not in payload:
        return shown
    try:
        opened = vault.unseal(str(payload["sealed"]))
    except CannotUnseal as error:
        return {**shown, "sealed": f"cannot be read: {error}"}
    return {**shown, **_masked(opened, lambda workflow, name: fields.get((slug, workflow, name), True))}


#: Whether a value is to be masked, by its workflow (None: the config itself) and the name of its field.
_IsSecret = Callable[[str | None, str], bool]


def _masked(payload: Mapping[str, Any], is_secret: _IsSecret) -> dict[str, Any]:
    return {name: _masked_part(name, value, is_secret) for name, value in payload.items()}


def _masked_part(name: str, value: Any, is_secret: _IsSecret) -> Any:
    match name, value:
        case "auth_credentials", dict():
            return dict.fromkeys(value, MASK)
        case "auth_credentials", _:
            return MASK
        case "fields", dict():
            return _masked_fields(value, None, is_secret)
        case "workflows", list():
            return [_masked_workflow(workflow, is_secret) for workflow in value]
        case _:
            return value


def _masked_workflow(workflow: Any, is_secret: _IsSecret) -> Any:
    if not isinstance(workflow, dict) or not isinstance(workflow.get("fields"), dict):
        return workflow
    return {**workflow, "fields": _masked_fields(workflow["fields"], str(workflow.get("id")), is_secret)}


def _masked_fields(values: Mapping[str, Any], workflow: str | None, is_secret: _IsSecret) -> dict[str, Any]:
    """Mask values; null, which clears a field, is no secret."""
    return {name: MASK if value is not None and is_secret(workflow, name) else value for name, value in values.items()}
