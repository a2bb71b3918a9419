"""What the mirror has of a customer, and the catalogue, for hosts in any language. Nothing here calls Cobalt."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cobalt_mirror.db import (
    MirroredAccount,
    find_account,
    integrations,
    list_applications,
    list_configs,
    list_connections,
    list_history,
)
from cobalt_mirror.db.engine import Clock, reading
from cobalt_mirror.db.reads import Pending, count_pending
from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.web.answers import Applications, Configs, Connections, History, Integrations, respond
from cobalt_mirror.workers.web.parameters import whole, word
from cobalt_mirror.workers.web.paths import account_in_path
from cobalt_mirror.workers.web.waiting import Places, Waiting

#: The longest wait for integrations; a longer one is cut to this.
LONGEST_WAIT_SECONDS = 10
#: How many requests may wait for integrations at a time in a process. Others are answered at once.
MOST_WAITING = 32

LIMIT = whole("limit", 1, 1_000, "the most changes", default=100)
BEFORE = whole(
    "before", 1, LARGEST_POSITION, "only changes with a lower `number`: the `before` of the last answer", default=None
)
SLUG = word("slug", "only the configs of this application")
WAIT = whole(
    "wait",
    0,
    LARGEST_POSITION,
    f"seconds to wait for events of the account that should be carried out soon; at most {LONGEST_WAIT_SECONDS}",
    default=0,
    cut_to=LONGEST_WAIT_SECONDS,
)


@dataclass(frozen=True, slots=True)
class ReadsEndpoint:
    """The endpoints that read the mirror, each in a transaction of its own."""

    engine: Engine
    clock: Clock
    waiting: Waiting
    places: Places

    async def account(self, request: Request) -> Response:
        """Answer with the account."""
        return await self._answer(request, lambda _, account: account)

    async def connections(self, request: Request) -> Response:
        """Answer with the account's connections."""
        return await self._answer(
            request,
            lambda connection, account: Connections(
                connections=list_connections(connection, account.linked_account_id)
            ),
        )

    async def configs(self, request: Request) -> Response:
        """Answer with the account's configs."""
        slug = SLUG.of(request)
        return await self._answer(
            request,
            lambda connection, account: Configs(configs=list_configs(connection, account.linked_account_id, slug=slug)),
        )

    async def history(self, request: Request) -> Response:
        """Answer with the latest changes of the account's mirror."""
        limit, before = LIMIT.of(request), BEFORE.of(request)

        def read(connection: Connection, account: MirroredAccount) -> History:
            changes = list_history(connection, account.linked_account_id, limit=limit + 1, before=before)
            page = changes[:limit]
            return History(history=page, before=page[-1].number if len(changes) > limit else None)

        return await self._answer(request, read)

    async def applications(self, _: Request) -> Response:
        """Answer with the catalogue."""
        return await self._respond(lambda connection: Applications(applications=list_applications(connection)))

    async def integrations(self, request: Request) -> Response:
        """Answer with every application as the customer sees it, after events that should be carried out soon."""
        account, seconds = account_in_path(request), WAIT.of(request)

        def look() -> Pending:
            with reading(self.engine).begin() as connection:
                return count_pending(connection, account, now=self.clock(connection))

        pending = await run_in_threadpool(look)
        with self.places.take() as may_wait:
            if may_wait:
                pending = await self.waiting.until(
                    lambda state: not state.soon, look, first=pending, request=request, seconds=seconds
                )

        def read(connection: Connection) -> Integrations:
            if not pending.all:
                _get_account(connection, account)
            return Integrations(integrations=integrations(connection, account), pending=pending.all)

        return await self._respond(read)

    async def _answer(self, request: Request, read: Callable[[Connection, MirroredAccount], object]) -> Response:
        """Answer with what is read of the account in the path."""
        account = account_in_path(request)
        return await self._respond(lambda connection: read(connection, _get_account(connection, account)))

    async def _respond(self, read: Callable[[Connection], object]) -> Response:
        def run() -> Response:
            with reading(self.engine).begin() as connection:
                answer = read(connection)
            return respond(answer)

        return await run_in_threadpool(run)


def _get_account(connection: Connection, linked_account_id: str) -> MirroredAccount:
    """Get the account as mirrored.

    Raises:
        HTTPException: 404, as the mirror does not have it.
    """
    account = find_account(connection, linked_account_id)
    if account is None:
        raise HTTPException(404, f"the mirror does not have the account {linked_account_id!r}; publish user_signed_up")
    return account
