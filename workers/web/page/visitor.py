"""Whose page it is, and whether a request that changes something comes from that page itself."""

import hashlib
import hmac
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from cobalt_mirror.events.identifiers import check_identifier

#: Returns the linked account id of the customer who is signed in, or None.
AccountOf = Callable[[Request], "str | Awaitable[str | None] | None"]
#: The header that only the page's own script sends: a form cannot, and a script of another site may not.
PAGE_HEADER = "x-integrations-page"

#: Where a request's scope has the application of the host that mounts the page; None: it is served by itself.
HOST_APP = "cobalt_mirror.host_app"


@dataclass(frozen=True, slots=True)
class Visitor:
    """The customer whose page it is."""

    linked_account_id: str

    @property
    def mark(self) -> str:
        """Return what the page's requests carry, so that one that was left open does not act for another customer."""
        return hashlib.sha256(f"cobalt-mirror: page of:{self.linked_account_id}".encode()).hexdigest()[:32]


async def find_visitor(request: Request, account_of: AccountOf) -> Visitor | None:
    """Find the customer who is signed in; None: there is none.

    Raises:
        TypeError: the host's function returned something else than a text or None.
        ValueError: it returned an id that no event may have, so that no event could delete the account.
    """
    if (host_app := request.scope.get(HOST_APP)) is not None:
        request = Request({**request.scope, "app": host_app})  # so that `request.app` is what it is on the host's pages
    account = await run_in_threadpool(account_of, request)  # it may ask a database
    if inspect.isawaitable(account):
        account = await account
    if account is None:
        return None
    if isinstance(account, str) and account:
        _check(account)
        return Visitor(account)
    got = "an empty text" if account == "" else type(account).__name__
    raise TypeError(f"account_of: must return the linked account's id as a text, or None, not {got}")


def _check(account: str) -> None:
    try:
        check_identifier(account)
    except ValueError as rule:
        raise ValueError(f"account_of: must return an id that an event may have: {rule}") from None


async def get_visitor(request: Request, account_of: AccountOf) -> Visitor:
    """Return whose page sent a request.

    Raises:
        HTTPException: 401, as nobody is signed in; 403 and 409 as `check_own_page`.
    """
    visitor = await find_visitor(request, account_of)
    if visitor is None:
        raise HTTPException(401, "you are not signed in any more; sign in and load the page again")
    check_own_page(request, visitor)
    return visitor


def check_own_page(request: Request, visitor: Visitor) -> None:
    """Let a request pass that the visitor's own page sent.

    Raises:
        HTTPException: 403, as another site sent it or may have; 409, as the page is another customer's by now.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:  # browsers say it of addresses that are safe only
        raise HTTPException(403, "the browser does not say which site asks; open the page over https, or on localhost")
    mark = request.headers.get(PAGE_HEADER, "")
    if site != "same-origin" or not mark:
        raise HTTPException(403, "only the page itself may ask this; open it and try again")
    if not hmac.compare_digest(mark.encode(), visitor.mark.encode()):
        raise HTTPException(409, "somebody else has signed in since the page was opened; load it again")
