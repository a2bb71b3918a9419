"""Paths with ids in them: an id may be any text, so the path is matched as it was sent and decoded once."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Scope

from cobalt_mirror.db.columns import storable
from cobalt_mirror.events.identifiers import check_identifier


class EncodedRoute(Route):
    """A route that sees the path before it is decoded, so that `%2F` in an id does not end the id."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as `Route` does. The parameters come out as they were sent."""
        return super().matches({**scope, "path": sent_path(scope), "root_path": ""})


def sent_path(scope: Mapping[str, Any]) -> str:
    """Return the path of a request as it was sent, below the place where a host has mounted us."""
    raw: bytes | None = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.partition(b"?")[0].decode("latin-1")
    root = scope.get("root_path", "")
    steps = path.split("/")
    below = root.count("/") + 1
    if root and unquote("/".join(steps[:below])) == root:
        return "/" + "/".join(steps[below:])
    return path


def account_in_path(request: Request) -> str:
    """Return the account's id in the path.

    Raises:
        HTTPException: 400, as no database could store it.
    """
    account = unquote(request.path_params["account_id"])  # what is no UTF-8 becomes a replacement character
    if storable(account) != account or "\ufffd" in account:
        raise HTTPException(400, "the account's id in the path must be UTF-8 without NUL, percent-encoded")
    return account


def event_account_in_path(request: Request) -> str:
    """Return the account's id in the path, if events may have it: no event can delete an account that they may not.

    Raises:
        HTTPException: 400, as events may not have it.
    """
    account = account_in_path(request)
    try:
        check_identifier(account)
    except ValueError as rule:
        raise HTTPException(400, f"the account's id in the path: {rule}") from None
    return account
