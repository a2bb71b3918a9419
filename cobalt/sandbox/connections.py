"""Connections of accounts: connect, disconnect, expire, recover, and renew tokens."""

from typing import Any

from cobalt_mirror.cobalt.sandbox import notifications
from cobalt_mirror.cobalt.sandbox.catalogue import Application
from cobalt_mirror.cobalt.sandbox.messages import bad_request, not_found
from cobalt_mirror.cobalt.sandbox.state import (
    Account,
    Choice,
    ConnectedAccount,
    ConnectionStatus,
    Integration,
    World,
    iso,
)

REFUSED_CREDENTIAL = "invalid"
"""A credential with this value is one that the provider refuses."""


def connect(
    world: World,
    account: Account,
    application: Application,
    *,
    auth_type: str,
    credentials: dict[str, str] | None = None,
    identifier: Any = None,
    choice: Choice | None = None,
) -> str | None:
    """Connect or reconnect, with the notification ``Connection Created``.

    Returns:
        The connection id; None where the application connects once for each auth type.

    Raises:
        Refusal: 400 or 404 when `choice` does not fit; see `check_choice`.
    """
    choice = Choice() if choice is None else choice
    check_choice(account, application, choice, auth_type=auth_type)
    part = _find_again(account, application, choice, auth_type=auth_type)
    kind = "connected" if part is None else "reconnected"
    if part is None:
        shown = _identifier(account, application) if identifier is None else identifier
        part = _add(world, account, application, auth_type=auth_type, identifier=shown)
    elif world.settings.reconnect_changes_connected_at:
        part.connected_at = world.now
    part.status, part.updated_at, part.credentials = ConnectionStatus.ACTIVE, world.now, dict(credentials or {})
    _apply_choice(application, part, choice)
    record_of_part(world, kind, account, application.slug, part=part, after=part.status.value)
    notifications.emit_connection(world, account, application.slug, "Connection Created")
    return part.connection_id


def check_choice(account: Account, application: Application, choice: Choice, *, auth_type: str) -> None:
    """Check what a caller says of a connection.

    Raises:
        Refusal: 404 when there is no such connection; 400 when it has another auth type, when there is no such auth
            profile, or when the application connects once for each auth type.
    """
    if not application.has_multi_auth_enabled:
        if choice != Choice():
            raise bad_request(
                f"{application.slug} connects once: leave out the connection, its profile and its fields."
            )
        return
    if choice.connection_id is not None:
        part = get_connection(account, application.slug, choice.connection_id)
        if part.auth_type != auth_type:
            raise bad_request(f"connection_id: this connection connects by {part.auth_type}.")
    if choice.auth_profile_id is not None and application.find_profile(choice.auth_profile_id) is None:
        raise bad_request(f"auth_profile_id: {application.slug} has no such auth profile.")


def get_connection(account: Account, slug: str, connection_id: str) -> ConnectedAccount:
    """Return one connection of an application with several.

    Raises:
        Refusal: 404 RESOURCE_NOT_FOUND.
    """
    for part in account.connected(slug):
        if part.connection_id == connection_id:
            return part
    raise not_found(f"{slug} has no connection {connection_id!r} of this account.")


def select(
    account: Account, slug: str, *, auth_type: str | None = None, connection_id: str | None = None
) -> list[ConnectedAccount]:
    """Return the connected accounts of an application, of one auth type or with one connection id if given."""
    return [
        part
        for part in account.connected(slug)
        if auth_type in (None, part.auth_type) and connection_id in (None, part.connection_id)
    ]


def disconnect(
    world: World, account: Account, slug: str, *, auth_type: str | None, connection_id: str | None = None
) -> None:
    """Disconnect what is selected, or all. A connection's own configs go with it; with the last one, all of them."""
    leaving = select(account, slug, auth_type=auth_type, connection_id=connection_id)
    for part in leaving:
        del account.connections[slug].parts[part.key]
        record_of_part(world, "disconnected", account, slug, part=part, before=part.status.value)
    nothing_remains = not account.connected(slug)
    if nothing_remains:
        account.connections.pop(slug, None)
    gone = {part.connection_id for part in leaving}
    for key in [key for key in account.configs if key[0] == slug and (nothing_remains or key[2] in gone)]:
        record_of_config(world, "config_deleted", account, key=key)
        del account.configs[key]
    # Without connection ids, auth types that leave together are one connection.
    for _ in gone:
        notifications.emit_connection(world, account, slug, "Connection Deleted")


def find(account: Account, slug: str, *, auth_type: str | None, connection_id: str | None) -> list[ConnectedAccount]:
    """Return what `select` returns.

    Raises:
        LookupError: When that is nothing.
    """
    parts = select(account, slug, auth_type=auth_type, connection_id=connection_id)
    if not parts:
        raise LookupError(f"{account.linked_account_id!r} is not connected to {slug!r}, or not in this way")
    return parts


def set_status(
    world: World, account: Account, slug: str, parts: list[ConnectedAccount], status: ConnectionStatus
) -> None:
    """Expire connected accounts, with the notification ``Connection Expired``, or make them active, without one."""
    kind = "expired" if status is ConnectionStatus.EXPIRED else "recovered"
    for part in parts:
        record_of_part(world, kind, account, slug, part=part, before=part.status.value, after=status.value)
        part.status, part.updated_at, part.connected_at = status, world.now, world.now
    if status is ConnectionStatus.EXPIRED:
        notifications.emit_connection(world, account, slug, "Connection Expired")


def renew_tokens(world: World, account: Account, slug: str, parts: list[ConnectedAccount]) -> None:
    """Renew the provider's tokens of those that are active, without a notification.

    Raises:
        LookupError: When none is active.
    """
    active = _active(parts)
    if not active:
        raise LookupError(f"what {account.linked_account_id!r} has of {slug!r} is expired, so its token is not renewed")
    for part in active:
        _renew(world, account, slug, part)


def renew_any_token(world: World, account: Account) -> None:
    """Renew the token of one active connected account at random, if there is one."""
    active = [(slug, part) for slug in account.connections for part in _active(account.connected(slug))]
    if active:
        _renew(world, account, *world.rng.choice(active))


def record_of_part(
    world: World,
    kind: str,
    account: Account,
    slug: str,
    *,
    part: ConnectedAccount,
    before: Any = None,
    after: Any = None,
) -> None:
    """Record an effect on one connected account."""
    which = {} if part.connection_id is None else {"connection_id": part.connection_id}
    record(world, kind, account, slug, auth_type=part.auth_type, **which, before=before, after=after)


def record_of_config(world: World, kind: str, account: Account, *, key: tuple[str, str, str], **detail: Any) -> None:
    """Record an effect on one config."""
    slug, config_id, connection_id = key
    which = {"connection_id": connection_id} if connection_id else {}
    record(world, kind, account, slug, config_id=config_id, **which, **detail)


def record(world: World, kind: str, account: Account, slug: str, **detail: Any) -> None:
    """Record an effect on one account's connection or configs of an application."""
    world.ledger.record_effect(
        kind,
        at=iso(world.now),
        environment=account.environment.value,
        linked_account_id=account.linked_account_id,
        slug=slug,
        **detail,
    )


def _find_again(
    account: Account, application: Application, choice: Choice, *, auth_type: str
) -> ConnectedAccount | None:
    """Return the connected account that is connected again; None if it is a new one."""
    if not application.has_multi_auth_enabled:
        return next(iter(select(account, application.slug, auth_type=auth_type)), None)
    if choice.connection_id is None:
        return None
    return get_connection(account, application.slug, choice.connection_id)


def _add(
    world: World, account: Account, application: Application, *, auth_type: str, identifier: Any
) -> ConnectedAccount:
    part = ConnectedAccount(
        id=world.new_id(),
        auth_type=auth_type,
        identifier=identifier,
        connected_at=world.now,
        created_at=world.now,
        updated_at=world.now,
        connection_id=world.new_id() if application.has_multi_auth_enabled else None,
        auth_profile=application.auth_profiles[0] if application.auth_profiles else None,
    )
    first = Integration(id=part.id, created_at=world.now)
    account.connections.setdefault(application.slug, first).parts[part.key] = part
    return part


def _apply_choice(application: Application, part: ConnectedAccount, choice: Choice) -> None:
    if choice.auth_profile_id is not None:
        part.auth_profile = application.find_profile(choice.auth_profile_id)
    if choice.user_defined_fields is not None:
        part.user_defined_fields = dict(choice.user_defined_fields)


def _active(parts: list[ConnectedAccount]) -> list[ConnectedAccount]:
    return [part for part in parts if part.status is ConnectionStatus.ACTIVE]


def _renew(world: World, account: Account, slug: str, part: ConnectedAccount) -> None:
    before, part.connected_at, part.updated_at = iso(part.connected_at), world.now, world.now
    record_of_part(world, "token_renewed", account, slug, part=part, before=before, after=iso(world.now))


def _identifier(account: Account, application: Application) -> Any:
    number = len(account.connected(application.slug)) + 1
    suffix = f"+{number}" if application.has_multi_auth_enabled and number > 1 else ""
    person = f"{account.linked_account_id}{suffix}@{application.slug}.example.com"
    if application.identifier == "string":
        return person
    return {"username": person, "org": application.slug} if application.identifier == "object" else None
