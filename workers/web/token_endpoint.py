"""`POST /accounts/{account_id}/token`: a session token, for the page on which the customer connects applications."""

import math
from dataclasses import dataclass
from typing import assert_never

import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cobalt_mirror import cobalt
from cobalt_mirror.db.deletions import Departure, find_departure
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.mirror import find_account_row
from cobalt_mirror.db.rows import AccountRow
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.web.answers import PageToken, respond
from cobalt_mirror.workers.web.lazy_client import LazyClient
from cobalt_mirror.workers.web.parameters import flag
from cobalt_mirror.workers.web.paths import event_account_in_path
from cobalt_mirror.workers.web.waiting import Places

log = structlog.get_logger()

#: How many requests may ask Cobalt at a time in a process; each needs a thread while Cobalt answers.
MOST_ASKING = 16
#: After how many seconds to ask again when Cobalt does not answer or fails.
RETRY_SECONDS = 5

ENSURE = flag("ensure", "create the account at Cobalt if it is not there, so that a first page need not wait")
ANEW = flag("anew", "have Cobalt mint another token, such as when it refused the last one with 401")


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The endpoint for session tokens. It calls Cobalt, unless the process has a token that is five minutes old."""

    engine: Engine
    client: LazyClient
    recorder: CallRecorder
    places: Places

    async def mint(self, request: Request) -> Response:
        """Answer with a session token."""
        account, ensure, anew = event_account_in_path(request), ENSURE.of(request), ANEW.of(request)
        with self.places.take() as has_place:
            if not has_place:
                detail = f"{MOST_ASKING} requests for tokens wait for Cobalt already; ask again in a second"
                raise HTTPException(503, detail, headers={"retry-after": "1"})
            return await run_in_threadpool(lambda: self._mint(account, ensure=ensure, anew=anew))

    def _mint(self, account: str, *, ensure: bool, anew: bool) -> Response:
        row = self._find_row(account)
        client = self.client.get()
        try:
            with self.recorder.recording({"web": "session token"}, linked_account_id=account):
                token = client.session_token(
                    account,
                    ensure=ensure,
                    name=None if row is None else row.name,
                    udf=None if row is None else row.udf,
                    force_refresh=anew,
                )
        except cobalt.CobaltError as error:
            log.info("token_refused", linked_account_id=account, reason=str(error)[:300])
            raise refusal_of(error, account) from None
        return respond(PageToken(token=token.token, expires_at=token.expires_at, base_url=client.base_url))

    def _find_row(self, account: str) -> AccountRow | None:
        """Find what the mirror has of an account; None: nothing.

        One that left is refused: a token would let its browser connect again, and `ensure` create it anew.

        Raises:
            HTTPException: 409.
        """
        with reading(self.engine).begin() as connection:
            departure, row = find_departure(connection, account), find_account_row(connection, account)
        match departure:
            case Departure.LEAVING:
                raise HTTPException(409, f"the account {account!r} is being deleted, as user_deleted asked for")
            case Departure.LEFT:
                detail = f"the account {account!r} is deleted; publish user_signed_up, and ask again when that is done"
                raise HTTPException(409, detail)
            case None:
                return row
        assert_never(departure)


def refusal_of(error: cobalt.CobaltError, account: str) -> HTTPException:
    """Return the answer to a host, after Cobalt or the way there refused."""
    match error:
        case cobalt.RateLimited():
            seconds = max(1, math.ceil(error.retry_after_seconds or 1))
            return HTTPException(503, str(error), headers={"retry-after": str(seconds)})
        case cobalt.TransportError() | cobalt.ServerError() | cobalt.UnexpectedAnswer():
            return HTTPException(503, str(error), headers={"retry-after": str(RETRY_SECONDS)})
        case cobalt.UnknownAccount():
            detail = f"Cobalt does not have the account {account!r}; publish user_signed_up, or ask with ensure=true"
            return HTTPException(404, detail)
        case cobalt.InvalidIdentifier():
            return HTTPException(400, str(error))
        case _:  # the key, or what only the operator can find out: asking again does not help
            return HTTPException(502, str(error))
