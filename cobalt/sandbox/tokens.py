"""Session tokens for the browser SDK."""

from datetime import timedelta
from typing import Any

from cobalt_mirror.cobalt.sandbox.accounts import record
from cobalt_mirror.cobalt.sandbox.call import Body, Call, Identifier
from cobalt_mirror.cobalt.sandbox.messages import Refusal, bad_request
from cobalt_mirror.cobalt.sandbox.state import SessionToken

REFRESH_LIFETIME = timedelta(days=30)


class _TokenBody(Body):
    linked_account_id: Identifier = ""


def issue(call: Call) -> dict[str, Any]:
    """POST session-token: the token that is still valid, or a new one."""
    world = call.world
    linked_account_id = call.body(_TokenBody).linked_account_id
    if not linked_account_id:
        raise Refusal(400, "SERVER_ERROR", "linked_account_id is missing.")
    account = world.get_account(call.environment, linked_account_id)
    forced = call.query("force_refresh")
    if forced not in (None, "true", "false"):
        raise bad_request("force_refresh must be true or false.")
    owner = (account.environment, account.linked_account_id)
    token = world.tokens.get(world.current_tokens.get(owner, ""))
    if token is None or token.expires_at <= world.now or forced == "true":
        token = SessionToken(
            token=world.new_secret("st"),
            refresh_token=world.new_secret("rt"),
            environment=account.environment,
            linked_account_id=account.linked_account_id,
            expires_at=world.now + timedelta(seconds=world.settings.token_lifetime_seconds),
            refresh_expires_at=world.now + REFRESH_LIFETIME,
        )
        world.tokens[token.token] = token
        world.current_tokens[owner] = token.token
        record(world, "token_issued", account)
    return {
        "token": token.token,
        "refresh_token": token.refresh_token,
        "expires_in": int((token.expires_at - world.now).total_seconds()),
        "refresh_expires_in": int((token.refresh_expires_at - world.now).total_seconds()),
    }


def revoke(call: Call) -> dict[str, Any]:
    """POST session-token/revoke, with the token itself as bearer."""
    assert call.token is not None  # noqa: S101 - the route requires a token
    assert call.token_account is not None  # noqa: S101
    del call.world.tokens[call.token]
    record(call.world, "token_revoked", call.token_account)
    return {"success": True, "revoked_count": 1}
