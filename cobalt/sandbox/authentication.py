"""Authentication: an API key decides the environment, a session token the account as well."""

from dataclasses import dataclass, field

from cobalt_mirror.cobalt.sandbox.messages import Refusal, SandboxRequest
from cobalt_mirror.cobalt.sandbox.router import Access
from cobalt_mirror.cobalt.sandbox.state import Account, Environment, World


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """The caller that the headers prove; without an environment, there is none."""

    environment: Environment | None = None
    token: str | None = field(default=None, repr=False)
    account: Account | None = None


NOBODY = Caller()


def identify(world: World, request: SandboxRequest) -> Caller:
    """Return the caller. A key takes precedence over a session token, even a wrong key."""
    key = request.headers.get("x-api-key")
    if key is None:
        return identify_token(world, request)
    for environment, its_key in world.keys.items():
        if key == its_key:
            return Caller(environment=environment)
    return NOBODY


def identify_token(world: World, request: SandboxRequest) -> Caller:
    """Return the caller by session token alone."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    token = world.tokens.get(secret) if scheme.lower() == "bearer" else None
    if token is None or token.expires_at <= world.now:
        return NOBODY
    account = world.find_account(token.environment, token.linked_account_id)
    return NOBODY if account is None else Caller(environment=token.environment, token=secret, account=account)


def authorize(world: World, request: SandboxRequest, access: Access) -> tuple[Caller, Environment]:
    """Return the caller if the route admits it.

    Raises:
        Refusal: 401 for a wrong or missing key or token, or one that does not open this route.
    """
    caller = identify_token(world, request) if access is Access.TOKEN else identify(world, request)
    if access is Access.KEY and caller.token is not None:
        raise Refusal(401, "SERVER_ERROR", "A session token does not open what belongs to the organisation.")
    if caller.environment is None:
        is_key_wrong = access is Access.KEY or (access is Access.KEY_OR_TOKEN and "x-api-key" in request.headers)
        code = "SERVER_ERROR" if is_key_wrong else "INVALID_TOKEN"
        raise Refusal(401, code, "The API key or session token is missing, wrong or expired.")
    return caller, caller.environment
