"""What a customer does on the page: each action becomes an event, committed before the answer."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.cobalt import Client, SessionToken
from cobalt_mirror.db.deletions import find_departure
from cobalt_mirror.db.engine import reading
from cobalt_mirror.db.errors import NoSecretKeys
from cobalt_mirror.db.mirror import find_account_row
from cobalt_mirror.db.pauses import knows_application
from cobalt_mirror.db.vault import Vault
from cobalt_mirror.events import ConfigChanged, ConnectionAuthorized, ConnectionRemoved, Event, InvalidEvent
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.workers.calls import CallRecorder
from cobalt_mirror.workers.web.page.forms import Changes, make_form, read_changes
from cobalt_mirror.workers.web.page.headers import PRIVATE
from cobalt_mirror.workers.web.page.submitted import Sent, Subject, Submitted, TokenWanted, read_sent
from cobalt_mirror.workers.web.page.views import find_config
from cobalt_mirror.workers.web.page.visitor import AccountOf, Visitor, get_visitor
from cobalt_mirror.workers.web.waiting import Places

log = structlog.get_logger()

#: How many requests ask Cobalt at a time: each holds one of the threads of the host's own application meanwhile.
MOST_ASKING = 8
#: The source of the events that the page publishes.
SOURCE = "integrations_page"


@dataclass(frozen=True, slots=True)
class Actions:
    """Answers the requests that change something. Each must come from the customer's own page."""

    account_of: AccountOf
    engine: Engine
    client: Client
    recorder: CallRecorder
    vault: Vault
    places: Places = field(default_factory=lambda: Places(MOST_ASKING))

    async def token(self, request: Request) -> Response:
        """Answer with a session token, with which the vendor's SDK acts for the customer."""
        visitor, wanted = await self._read(request, TokenWanted)
        with self.places.take() as has_place:
            if not has_place:
                raise HTTPException(503, "this cannot be done now; try again later", headers={"retry-after": "1"})
            token = await run_in_threadpool(self._token, visitor.linked_account_id, anew=wanted.anew)
        answer = {"token": token.token, "base_url": self.client.base_url}
        return JSONResponse(answer, headers=PRIVATE)

    async def connected(self, request: Request) -> Response:
        """Publish that the customer has connected an application; a worker then asks Cobalt."""
        visitor, subject = await self._read_subject(request)
        return await self._publish(
            _event(ConnectionAuthorized, visitor, auth_type=subject.auth_type, **subject.connection())
        )

    async def disconnect(self, request: Request) -> Response:
        """Publish that the customer disconnects an application, or one of its connections."""
        visitor, subject = await self._read_subject(request)
        return await self._publish(_event(ConnectionRemoved, visitor, **subject.connection()))

    async def prepared(self, request: Request) -> Response:
        """Publish that the SDK has found or made the config, so that a worker reads it into the mirror."""
        visitor, subject = await self._read_subject(request)
        return await self._publish(_event(ConfigChanged, visitor, **subject.connection()))

    async def save(self, request: Request) -> Response:
        """Publish the settings that the customer changed; 422 says which fields cannot be saved."""
        visitor, submitted = await self._read(request, Submitted)
        changes = await run_in_threadpool(self._changes, visitor, submitted)
        if changes.errors:
            return JSONResponse({"errors": changes.errors}, 422, headers=PRIVATE)
        if not changes.fields and not changes.workflows:
            return JSONResponse({"is_new": False}, headers=PRIVATE)
        content = {"fields": changes.fields, "workflows": changes.workflows}
        return await self._publish(_event(ConfigChanged, visitor, **submitted.connection(), **content))

    def _token(self, account: str, *, anew: bool) -> SessionToken:
        with reading(self.engine).begin() as connection:
            departure, row = find_departure(connection, account), find_account_row(connection, account)
        if departure is not None:  # a token would create at Cobalt again what was deleted there
            raise HTTPException(409, "this account is deleted, so nothing can be connected")
        with self.recorder.recording({"web": "session token"}, linked_account_id=account):
            return self.client.session_token(
                account,
                ensure=True,
                name=None if row is None else row.name,
                udf=None if row is None else row.udf,
                force_refresh=anew,
            )

    def _changes(self, visitor: Visitor, submitted: Submitted) -> Changes:
        with reading(self.engine).begin() as connection:
            config = find_config(connection, visitor, submitted.slug, submitted.connection_id)
        try:
            if config is None:
                raise LookupError(submitted.slug)
            return read_changes(make_form(config), submitted)
        except LookupError:
            raise HTTPException(409, "these settings have changed since the page was opened; load it again") from None

    async def _read(self, request: Request, kind: type[Sent]) -> tuple[Visitor, Sent]:
        visitor = await get_visitor(request, self.account_of)
        return visitor, await read_sent(request, kind)

    async def _read_subject(self, request: Request) -> tuple[Visitor, Subject]:
        visitor, subject = await self._read(request, Subject)
        if not await run_in_threadpool(self._knows, subject.slug):  # its event would be dead, which calls the operator
            raise HTTPException(404, "there is no such application; load the page again")
        return visitor, subject

    def _knows(self, slug: str) -> bool:
        with reading(self.engine).begin() as connection:
            return knows_application(connection, slug)

    async def _publish(self, event: Event) -> Response:
        try:
            await run_in_threadpool(self._commit, event)
        except NoSecretKeys as error:
            log.error("secret_not_stored", error=str(error))
            raise HTTPException(503, "a secret cannot be stored now; try again later") from None
        except InvalidEvent as error:
            raise HTTPException(400, str(error)) from None
        return JSONResponse({"is_new": True}, 202, headers=PRIVATE)

    def _commit(self, event: Event) -> None:
        with self.engine.begin() as connection:
            publish_with(self.vault, [event], connection)


def _event(kind: type[Event], visitor: Visitor, **values: Any) -> Event:
    """Make an event of the page's.

    Raises:
        HTTPException: 400, as a value breaks a rule of events.
    """
    try:
        return kind.from_fields({"linked_account_id": visitor.linked_account_id, "source": SOURCE, **values})
    except InvalidEvent as error:
        raise HTTPException(400, str(error)) from None
