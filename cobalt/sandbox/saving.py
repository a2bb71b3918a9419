"""The state of a sandbox as JSON, so that it survives a restart: all but settings, faults and the ledger."""

from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from cobalt_mirror.cobalt.sandbox.state import (
    Account,
    Config,
    ConfigKey,
    Consent,
    Environment,
    Notification,
    SessionToken,
    Webhook,
    World,
)

VERSION = 1


class UnusableState(ValueError):
    """A saved state cannot be used. The text says why, without anything of its content."""


@dataclass(kw_only=True)
class _SavedConfig:
    """A config and where it belongs; a key of several parts cannot be the key of a JSON object."""

    environment: Environment
    linked_account_id: str
    key: ConfigKey
    config: Config


@dataclass(kw_only=True)
class _Saved:
    """What is in the file; `starts` counts the sandboxes that have used it."""

    version: int = VERSION
    starts: int
    accounts: list[Account]
    configs: list[_SavedConfig]
    tokens: list[SessionToken]
    webhooks: list[Webhook]
    consents: dict[str, Consent]
    disabled: list[str]
    outbox: list[Notification]
    notifications_made: int
    current_tokens: list[str] = field(default_factory=list)


_ADAPTER = TypeAdapter(_Saved)
_WITHOUT_CONFIGS = {"accounts": {"__all__": {"configs"}}}


def dump(world: World) -> bytes:
    """Return the state as JSON. It has credentials, session tokens and values of password fields."""
    accounts = [account for its_accounts in world.accounts.values() for account in its_accounts.values()]
    configs = [
        _SavedConfig(
            environment=account.environment, linked_account_id=account.linked_account_id, key=key, config=config
        )
        for account in accounts
        for key, config in account.configs.items()
    ]
    saved = _Saved(
        starts=world.starts,
        accounts=accounts,
        configs=configs,
        tokens=list(world.tokens.values()),
        webhooks=list(world.webhooks.values()),
        consents=world.consents,
        disabled=sorted(world.disabled),
        outbox=world.outbox,
        notifications_made=world.notifications_made,
        current_tokens=list(world.current_tokens.values()),
    )
    return _ADAPTER.dump_json(saved, exclude=_WITHOUT_CONFIGS)


def restore(world: World, saved_state: bytes, *, seed: int) -> None:
    """Put a saved state into an empty world.

    Args:
        world: The world.
        saved_state: What `dump` returned.
        seed: Seed of the sandbox. The number of starts is added to it, so that no id or token is made twice.

    Raises:
        UnusableState: It is of another release, or of another catalogue.
    """
    try:
        saved = _ADAPTER.validate_json(saved_state)
    except ValidationError:
        raise UnusableState("it is no state of this release's sandbox") from None
    if saved.version != VERSION:
        raise UnusableState(f"it is of version {saved.version}, and this release reads {VERSION}")
    _check_catalogue(world, saved)
    for account in saved.accounts:
        world.accounts[account.environment][account.linked_account_id] = account
    for each in saved.configs:
        world.accounts[each.environment][each.linked_account_id].configs[each.key] = each.config
    world.tokens = {token.token: token for token in saved.tokens}
    world.current_tokens = {
        (token.environment, token.linked_account_id): secret
        for secret in saved.current_tokens
        if (token := world.tokens.get(secret)) is not None
    }
    world.webhooks = {webhook.id: webhook for webhook in saved.webhooks}
    world.consents, world.disabled, world.outbox = saved.consents, set(saved.disabled), saved.outbox
    world.notifications_made, world.starts = saved.notifications_made, saved.starts + 1
    world.rng.seed(f"{seed} {world.starts}")


def _check_catalogue(world: World, saved: _Saved) -> None:
    used = {slug for account in saved.accounts for slug in account.connections}
    used |= {each.key[0] for each in saved.configs}
    used |= {consent.slug for consent in saved.consents.values() if consent.slug is not None}
    unknown = sorted(used - world.applications.keys())
    if unknown:
        raise UnusableState(f"it has connections or configs of {', '.join(unknown)}, which the catalogue does not have")
