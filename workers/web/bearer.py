"""Bearer tokens: who may ask an endpoint that is not for everybody."""

import hmac

import structlog
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request

log = structlog.get_logger()


def check_bearer(request: Request, token: SecretStr, *, variable: str, endpoint: str) -> None:
    """Let a request pass that has the token.

    Args:
        request: the request.
        token: what it must have; the empty one disables the endpoint.
        variable: the setting that holds it.
        endpoint: the method and path, for the message.

    Raises:
        HTTPException: 403, as the token is not set here; 401, as the request has none or another one.
    """
    wanted = token.get_secret_value()
    if not wanted:
        raise HTTPException(403, f"{endpoint} is disabled: {variable} is not set; set it and restart")
    authorization = request.headers.get("authorization", "")
    scheme, _, credentials = authorization.partition(" ")
    is_right = hmac.compare_digest(credentials.strip().encode(), wanted.encode())
    if scheme.lower() != "bearer" or not is_right:
        reason = "no bearer token" if not authorization else "wrong bearer token"
        log.warning("request_refused", endpoint=endpoint, reason=reason)
        detail = f"authorization: must be `Bearer TOKEN`, with TOKEN the value of {variable}"
        raise HTTPException(401, detail, headers={"www-authenticate": "Bearer"})
