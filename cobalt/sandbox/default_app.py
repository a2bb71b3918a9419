"""Single credentials of an account for the organisation's default application."""

from typing import Any

from cobalt_mirror.cobalt.sandbox.accounts import record
from cobalt_mirror.cobalt.sandbox.call import Body, Call
from cobalt_mirror.cobalt.sandbox.messages import not_found, text_of
from cobalt_mirror.cobalt.sandbox.state import Account


class _ValueBody(Body):
    value: Any


def set_credential(call: Call) -> dict[str, Any]:
    """PUT default-app/auth-credentials/{key}: any value; what is no text is stored as JSON."""
    account = _account(call)
    key, value = call.params["key"], call.body(_ValueBody).value
    action = "updated" if key in account.credentials else "added"
    account.credentials[key] = text_of(value)
    record(call.world, "credential_set", account, key=key, action=action)
    return {"success": True, "message": f"The credential {key!r} was {action}.", "action": action}


def delete_credential(call: Call) -> dict[str, Any]:
    """DELETE default-app/auth-credentials/{key}."""
    account, key = _account(call), call.params["key"]
    if key not in account.credentials:
        raise not_found(f"There is no credential {key!r}.")
    del account.credentials[key]
    record(call.world, "credential_deleted", account, key=key)
    return {"success": True, "message": f"The credential {key!r} was deleted."}


def _account(call: Call) -> Account:
    account = call.account_from_header_or_query()
    if not account.has_default_application:
        raise not_found(f"{account.linked_account_id!r} has no default application.")
    return account
