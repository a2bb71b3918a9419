"""`GET /changes`: the change feed, for hosts in any language. A request may wait for the next change."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cobalt_mirror.db import FeedEntry, PositionLost
from cobalt_mirror.db.columns import stored_time
from cobalt_mirror.db.feed import Numbering
from cobalt_mirror.db.reads.feed import LARGEST_POSITION
from cobalt_mirror.workers.ops.feed import read_changes
from cobalt_mirror.workers.settings import Settings
from cobalt_mirror.workers.web.bearer import check_bearer

#: The most entries of an answer, and how many it has if the request does not say.
LARGEST_LIMIT, DEFAULT_LIMIT = 1_000, 100
#: The longest wait; who asks for more waits so long.
LONGEST_WAIT_SECONDS = 30
#: Seconds between two looks while a request waits.
LOOK_SECONDS = 0.25
#: How many requests may wait at a time in a process.
MOST_WAITING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request asks for: entries after a position, how many at most, and for how many seconds it waits."""

    after: int | None
    limit: int
    wait: int


def read_query(query: QueryParams) -> Wanted:
    """Read the parameters of a request.

    Raises:
        HTTPException: 400, as one of them is no whole number in its range.
    """
    return Wanted(
        after=_number(query, "after", 0, LARGEST_POSITION) if "after" in query else None,
        limit=_number(query, "limit", 1, LARGEST_LIMIT) if "limit" in query else DEFAULT_LIMIT,
        wait=min(_number(query, "wait", 0, LARGEST_POSITION), LONGEST_WAIT_SECONDS) if "wait" in query else 0,
    )


def _number(query: QueryParams, name: str, least: int, most: int) -> int:
    text = query[name]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else -1
    if not least <= number <= most:
        raise HTTPException(400, f"{name}: must be a whole number from {least} to {most}, not {text[:40]!r}")
    return number


@dataclass(slots=True)
class ChangesEndpoint:
    """The endpoint for the change feed. It requires `EVENTS_TOKEN` as bearer token.

    Attributes:
        stopping: once it is set, no request waits any more.
    """

    settings: Settings
    numbering: Numbering
    monotonic: Callable[[], float] = time.monotonic
    stopping: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    async def receive(self, request: Request) -> Response:
        """Answer with the entries after a position; if there are none, at the next change or at the end of the wait."""
        check_bearer(request, self.settings.events_token, variable="EVENTS_TOKEN", endpoint="GET /changes")
        wanted = read_query(request.query_params)
        try:
            entries = await run_in_threadpool(self._read, wanted)
            if not entries and wanted.wait:
                with self._place():
                    entries = await self._wait(request, wanted)
        except PositionLost as error:
            return JSONResponse({"error": str(error), "resume_after": error.resume_after}, 410)
        last = entries[-1].position if entries else wanted.after or 0
        return JSONResponse({"changes": [_as_json(entry) for entry in entries], "after": last})

    async def _wait(self, request: Request, wanted: Wanted) -> list[FeedEntry]:
        """Look again and again. No connection to the database is held between two looks."""
        ends = self.monotonic() + wanted.wait
        entries: list[FeedEntry] = []
        while not entries and self.monotonic() < ends and not self.stopping.is_set():
            if await request.is_disconnected():
                break
            await asyncio.sleep(LOOK_SECONDS)
            entries = await run_in_threadpool(self._read, wanted)
        return entries

    def _read(self, wanted: Wanted) -> list[FeedEntry]:
        return read_changes(self.numbering, after=wanted.after, limit=wanted.limit)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self.waiting >= MOST_WAITING:
            detail = f"{MOST_WAITING} requests wait for changes already; ask again in a second, or without `wait`"
            raise HTTPException(503, detail, headers={"retry-after": "1"})
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1


def _as_json(entry: FeedEntry) -> dict[str, Any]:
    return {**asdict(entry), "recorded_at": stored_time(entry.recorded_at)}
