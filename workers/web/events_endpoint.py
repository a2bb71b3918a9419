"""`POST /events`: events from hosts that are not Python, as CloudEvents 1.0 in JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.db.errors import NoSecretKeys
from cobalt_mirror.events import Event, IdConflict, InvalidEvent, read_cloudevent
from cobalt_mirror.events.publish import publish_with
from cobalt_mirror.events.size import LARGEST_PAYLOAD, payload_size
from cobalt_mirror.workers.errors import NotJson
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.answers import Receipts, respond
from cobalt_mirror.workers.web.body import decode, read_body

log = structlog.get_logger()

#: The largest body, in bytes, of one event or of a batch.
LARGEST_BODY = 1024 * 1024
SINGLE_TYPES = frozenset({"application/cloudevents+json", "application/json"})
BATCH_TYPE = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class EventsEndpoint:
    """The endpoint for events."""

    settings: Settings
    engine: Engine

    async def receive(self, request: Request) -> Response:
        """Publish one event, or a batch: all of it or nothing."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in {*SINGLE_TYPES, BATCH_TYPE}:
            raise HTTPException(415, f"content-type: must be {', '.join(sorted(SINGLE_TYPES))} or {BATCH_TYPE}")
        body = await read_body(request, limit=LARGEST_BODY)
        return await run_in_threadpool(self._accept, body, is_batch=media_type == BATCH_TYPE)

    def _accept(self, body: bytes, *, is_batch: bool) -> Response:
        try:
            document = decode(body)
            events = _read_batch(document) if is_batch else [_read_event(document)]
            with self.engine.begin() as connection:
                receipts = publish_with(self.settings.vault(), events, connection)
        except _InvalidInBatch as error:
            return _refusal(400, error, index=error.index)
        except (NotJson, InvalidEvent) as error:
            return _refusal(400, error)
        except IdConflict as error:
            return _refusal(409, error)
        except NoSecretKeys as error:
            return _refusal(503, error)
        return respond(Receipts(receipts=receipts), 202)


class _InvalidInBatch(InvalidEvent):
    """One event of a batch is invalid; `index` counts from 0."""

    def __init__(self, index: int, error: InvalidEvent) -> None:
        super().__init__(f"event {index}: {error}")
        self.index = index


def _read_batch(document: Any) -> Sequence[Event]:
    if not isinstance(document, list):
        raise InvalidEvent("batch: must be a JSON array")
    events = []
    for index, item in enumerate(document):
        try:
            events.append(_read_event(item))
        except InvalidEvent as error:
            raise _InvalidInBatch(index, error) from None
    return events


def _read_event(document: Any) -> Event:
    event = read_cloudevent(document)
    if (size := payload_size(event.payload())) > LARGEST_PAYLOAD:
        raise InvalidEvent(f"data: must be at most {LARGEST_PAYLOAD} bytes of JSON, not {size}")
    return event


def _refusal(status: int, error: Exception, **more: Any) -> Response:
    log.info("events_refused", status=status, reason=str(error)[:300])
    return JSONResponse({"error": str(error), **more}, status)
