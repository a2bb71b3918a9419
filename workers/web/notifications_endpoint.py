"""`POST /webhooks/cobalt`: notifications from Cobalt, answered with 200 only after the commit."""

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.cobalt.signatures import NOT_SIGNED, SIGNATURE_HEADER, is_signed
from cobalt_mirror.db.engine import Clock
from cobalt_mirror.workers.errors import NotJson, UnknownShape
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.body import decode, read_body
from cobalt_mirror.workers.web.notification import NOT_DEFAULT, keep_part, read_notification
from cobalt_mirror.workers.web.redaction import Redactor

log = structlog.get_logger()

#: The largest body of a notification, in bytes. A workflow's error may be as large; a small part of it is stored.
LARGEST_NOTIFICATION = 1024 * 1024


@dataclass(frozen=True, slots=True)
class NotificationsEndpoint:
    """The endpoint for notifications. The signature must be of COBALT_API_KEY or COBALT_PREVIOUS_API_KEY."""

    settings: Settings
    engine: Engine
    clock: Clock
    redactor: Redactor

    async def receive(self, request: Request) -> Response:
        """Record one notification. Cobalt sends it three more times if the answer is not 200, then never again."""
        body = await read_body(request, limit=LARGEST_NOTIFICATION)
        self._check_signature(body, request.headers.get(SIGNATURE_HEADER))
        try:
            event = await run_in_threadpool(self._record, body)
        except (NotJson, UnknownShape) as error:
            log.warning("notification_refused", reason=str(error)[:300], bytes=len(body))
            raise HTTPException(400, str(error)) from None
        return JSONResponse({"recorded": event})

    def _check_signature(self, body: bytes, signature: str | None) -> None:
        keys = (self.settings.cobalt_api_key, self.settings.cobalt_previous_api_key)
        if is_signed(body, signature, [key.get_secret_value() for key in keys]):
            return
        reason = NOT_SIGNED if signature is None else f"{SIGNATURE_HEADER} matches no API key of this mirror"
        log.warning("notification_refused", reason=reason, bytes=len(body))
        raise HTTPException(401, f"{reason}: sign the raw body with the API key")

    def _record(self, body: bytes) -> str:
        """Record the notification and return its event. Only the part of the body that is kept gets any further."""
        try:
            document = decode(body)
        except NotJson as error:
            raise NotJson(f"{error}; {NOT_DEFAULT}") from None
        notification = read_notification(document)
        kept = keep_part(document, self.redactor)
        with self.engine.begin() as connection:
            notification.record(connection, kept, now=self.clock(connection))
        return notification.event
