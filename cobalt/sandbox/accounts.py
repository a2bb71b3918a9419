"""Linked accounts: create, upsert, read, list, delete."""

from itertools import islice
from typing import Any

from pydantic import Field, model_validator

from cobalt_mirror.cobalt.sandbox.call import Body, Call, Identifier
from cobalt_mirror.cobalt.sandbox.catalogue import Application, Kind
from cobalt_mirror.cobalt.sandbox.listing import as_told
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request, not_served
from cobalt_mirror.cobalt.sandbox.settings import LeftOut, ListingLie
from cobalt_mirror.cobalt.sandbox.state import Account, Environment, Integration, UdfPair, World, iso

LARGEST_LIMIT = 100
DEFAULT_APPLICATION_ID = "000000000000000000000001"
"""The `app_id` of the organisation's default application."""


class _YourApp(Body):
    """Credentials for the organisation's default application; the vendor's client for Node names it as well."""

    app_id: str = ""
    auth_credentials: dict[str, str] = Field(default_factory=dict)


class _Details(Body):
    name: str = ""
    udf: dict[str, str] = Field(default_factory=dict)
    your_app: _YourApp | None = None

    @model_validator(mode="after")
    def _no_null(self) -> "_Details":
        if "your_app" in self.model_fields_set and self.your_app is None:
            raise ValueError("your_app must be an object")
        return self


class _CreateBody(_Details):
    account_id: Identifier = ""
    linked_account_id: Identifier = ""

    def identifier(self, call: Call) -> str:
        """Return the account id on which body and session token agree."""
        named = {self.account_id, self.linked_account_id} - {""}
        if call.token_account is not None:
            named.add(call.token_account.linked_account_id)
        if not named:
            raise Refusal(400, "INVALID_LINKED_ACCOUNT_ID", "linked_account_id is missing.")
        if len(named) > 1:
            raise bad_request("account_id, linked_account_id and the session token must name the same account.")
        return named.pop()


class _UpsertBody(_CreateBody):
    payload: _Details | None = None


def create(call: Call) -> dict[str, Any]:
    """POST linked-account."""
    body = call.body(_CreateBody)
    if body.your_app is not None and "auth_credentials" not in body.your_app.model_fields_set:
        raise bad_request("your_app.auth_credentials: is missing.")
    linked_account_id = body.identifier(call)
    if call.world.find_account(call.environment, linked_account_id) is not None:
        raise Refusal(400, "LINKED_ACCOUNT_EXISTS", f"A linked account {linked_account_id!r} already exists.")
    added = document(call.world, _add(call, linked_account_id, body), with_integrations=False)
    return {**added, "integrations": None}


def upsert(call: Call) -> dict[str, Any]:
    """PUT linked-account."""
    body = call.body(_UpsertBody)
    linked_account_id = body.identifier(call)
    details = body if body.payload is None else body.payload
    account = call.world.find_account(call.environment, linked_account_id)
    if account is None:
        added = document(call.world, _add(call, linked_account_id, details), with_integrations=False)
        return {**added, "new_account": True}
    fields = details.model_fields_set
    cleared = call.world.settings.upsert_left_out is LeftOut.CLEARED
    before = summary(account)
    if "name" in fields or cleared:
        account.name = details.name if "name" in fields else None
    if "udf" in fields or cleared:
        replace_udf(call.world, account, details.udf)
    _set_credentials(account, details)
    record_update(call.world, account, before)
    return {**document(call.world, account, with_integrations=False), "new_account": False}


def read(call: Call) -> dict[str, Any]:
    """GET linked-account/{id}."""
    return document(call.world, _account_in_path(call), with_integrations=True)


def read_active(call: Call) -> dict[str, Any]:
    """GET session/active-linked-account: the account of the session token."""
    return document(call.world, call.account_from_header(), with_integrations=True)


def remove(call: Call) -> dict[str, Any]:
    """DELETE linked-account/{id}."""
    account = _account_in_path(call)
    if account.environment is Environment.TEST and account.linked_account_id == call.world.test_user:
        raise Refusal(400, "TEST_USER_NOT_DELETABLE", "The configured test user cannot be deleted.")
    delete_account(call.world, account)
    return {"message": "Linked account deleted."}


def list_page(call: Call) -> dict[str, Any]:
    """GET linked-account: offset pages, the newest account first, so that arrivals shift every page."""
    if call.query("env_variable_name") is not None or call.query("env_variable_value") is not None:
        raise not_served("environment variables of accounts")
    page, limit = _positive(call, "page", 1), min(_positive(call, "limit", 10), LARGEST_LIMIT)
    accounts = call.world.accounts[call.environment]
    total, start = len(accounts), (page - 1) * limit
    pages = max(1, -(-total // limit))
    with_integrations = call.world.settings.listing_carries_integrations
    lie = call.world.settings.listing_lie
    shown = 0 if lie is ListingLie.REPEATED and page == 2 else start
    accounts_on_page = islice(reversed(accounts.values()), shown, shown + limit)
    true_page = {
        "docs": [document(call.world, account, with_integrations=with_integrations) for account in accounts_on_page],
        "totalDocs": total,
        "limit": limit,
        "totalPages": pages,
        "page": page,
        "pagingCounter": start + 1,
        "hasPrevPage": page > 1,
        "hasNextPage": page < pages,
        "prevPage": page - 1 if page > 1 else None,
        "nextPage": page + 1 if page < pages else None,
    }
    return as_told(true_page, lie)


def delete_account(world: World, account: Account) -> None:
    """Delete an account with everything under it, including its session tokens."""
    del world.accounts[account.environment][account.linked_account_id]
    for token in [token for token in world.tokens.values() if _is_of(token, account)]:
        del world.tokens[token.token]
    world.current_tokens.pop((account.environment, account.linked_account_id), None)
    for secret in [secret for secret, consent in world.consents.items() if _is_of(consent, account)]:
        del world.consents[secret]
    record(world, "account_deleted", account, before=summary(account))


def record_update(world: World, account: Account, before: dict[str, Any]) -> None:
    """Record that an account's own fields were written."""
    account.updated_at = world.now
    record(world, "account_updated", account, before=before, after=summary(account))


def record(world: World, kind: str, account: Account, **detail: Any) -> None:
    """Record an effect on an account."""
    world.ledger.record_effect(
        kind,
        at=iso(world.now),
        environment=account.environment.value,
        linked_account_id=account.linked_account_id,
        **detail,
    )


def summary(account: Account) -> dict[str, Any]:
    """Return an account's own fields, without secrets."""
    return {"name": account.name, "udf": udf_values(account)}


def udf_values(account: Account) -> dict[str, str]:
    """Return an account's user-defined fields by name."""
    return {key: pair.value for key, pair in account.udf.items()}


def replace_udf(world: World, account: Account, udf: dict[str, str]) -> None:
    """Replace an account's user-defined fields; one that stays keeps its id and the time of its creation."""
    pairs: dict[str, UdfPair] = {}
    for key, value in udf.items():
        pair = account.udf.get(key)
        if pair is None:
            pair = UdfPair(id=world.new_id(), value=value, created_at=world.now, updated_at=world.now)
        elif pair.value != value:
            pair.value, pair.updated_at = value, world.now
        pairs[key] = pair
    account.udf = pairs


def document(world: World, account: Account, *, with_integrations: bool) -> dict[str, Any]:
    """Return an account as the API shows it."""
    fields: dict[str, Any] = {
        "_id": account.id,
        "associated_org": world.org_id,
        "account_id": account.linked_account_id,
        "environment": account.environment.value,
        "udf": [_pair(key, pair) for key, pair in account.udf.items()],
        "createdAt": iso(account.created_at),
        "updatedAt": iso(account.updated_at),
        "__v": 0,
    }
    if account.name is not None:
        fields["name"] = account.name
    if with_integrations:
        fields["integrations"] = _integrations(world, account)
    return fields


def _pair(key: str, pair: UdfPair) -> dict[str, Any]:
    return {
        "key_name": key,
        "key_value": pair.value,
        "_id": pair.id,
        "createdAt": iso(pair.created_at),
        "updatedAt": iso(pair.updated_at),
    }


def _integrations(world: World, account: Account) -> list[dict[str, Any]]:
    connected = [
        _integration(world.applications[slug], integration) for slug, integration in account.connections.items()
    ]
    if account.has_default_application and world.settings.default_application_shown:
        return [_default_application(account), *connected]
    return connected


def _default_application(account: Account) -> dict[str, Any]:
    """Return the account's link to the organisation's default application, which is in no catalogue."""
    return {
        "_id": account.id,
        "type": "custom",
        "name": "Default application",
        "icon": None,
        "app_id": DEFAULT_APPLICATION_ID,
        "reauth_required": False,
        "createdAt": iso(account.created_at),
        "updatedAt": iso(account.created_at),
    }


def _integration(application: Application, integration: Integration) -> dict[str, Any]:
    is_custom = application.kind is Kind.CUSTOM
    return {
        "_id": integration.id,
        "type": application.type,
        "name": application.name,
        "icon": application.icon,
        "app_id": application.app_id if is_custom else None,
        "identifier": next(iter(integration.parts.values())).identifier,
        "reauth_required": integration.is_expired,
        "createdAt": iso(integration.created_at),
        "updatedAt": iso(integration.updated_at),
    }


def _add(call: Call, linked_account_id: str, details: _Details) -> Account:
    account = Account(
        id=call.world.new_id(),
        linked_account_id=linked_account_id,
        environment=call.environment,
        name=details.name if "name" in details.model_fields_set else None,
        created_at=call.world.now,
        updated_at=call.world.now,
    )
    replace_udf(call.world, account, details.udf)
    _set_credentials(account, details)
    call.world.accounts[call.environment][linked_account_id] = account
    record(call.world, "account_created", account, after=summary(account))
    return account


def _set_credentials(account: Account, details: _Details) -> None:
    if details.your_app is not None and "auth_credentials" in details.your_app.model_fields_set:
        account.credentials = dict(details.your_app.auth_credentials)
        account.has_default_application = True


def _account_in_path(call: Call) -> Account:
    linked_account_id = call.params["linked_account_id"]
    account = call.world.find_account(call.environment, linked_account_id)
    if account is None or (call.token_account is not None and call.token_account is not account):
        raise Refusal(404, "SERVER_ERROR", f"There is no linked account {linked_account_id!r} here.")
    return account


def _positive(call: Call, name: str, default: int) -> int:
    raw = call.query(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdecimal() and 0 < len(raw) < 10 and int(raw) > 0):
        raise bad_request(f"{name} must be a whole number above zero.")
    return int(raw)


def _is_of(thing: Any, account: Account) -> bool:
    owner = (thing.environment, thing.linked_account_id)
    return bool(owner == (account.environment, account.linked_account_id))
